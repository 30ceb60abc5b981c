import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { translated } from "./meaning.ts";

const CONTROLLER = "sallyport.dev/gateway";
const GROUP = "gateway.networking.k8s.io";
const httpRouteKind = { group: GROUP, kind: "HTTPRoute" };

const ours = `
apiVersion: ${GROUP}/v1
kind: GatewayClass
metadata: {name: sallyport, generation: 1}
spec: {controllerName: ${CONTROLLER}}
`;
const gateway = (spec: string, name = "gw", namespace = "infra") => `
apiVersion: ${GROUP}/v1
kind: Gateway
metadata: {name: ${name}, namespace: ${namespace}, generation: 4}
spec: {gatewayClassName: sallyport, ${spec}}
`;
const route = (spec: string, name = "r", namespace = "infra") => `
apiVersion: ${GROUP}/v1
kind: HTTPRoute
metadata: {name: ${name}, namespace: ${namespace}, generation: 7}
spec: {${spec}}
`;
const shop = (ports = "[{port: 80}]", more = "") => `
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: infra}
spec: {ports: ${ports}${more}}
`;
const ports = new Map([80, 443, 4000, 8080, 8443].map((port) => [port, { 80: 4000, 443: 4443 }[port] ?? port]));
const cluster = (...documents: readonly string[]) =>
  translated([ours, ...documents].join("\n---\n"), "cluster", { ports });

const http = "{name: http, port: 80, protocol: HTTP}";
const condition = (
  generation: number,
  type: string,
  status: "True" | "False",
  reason = type,
  message: unknown = "",
) => ({
  type,
  status,
  reason,
  message,
  observedGeneration: generation,
});
const is = (type: string, status: "True" | "False", reason = type, message: unknown = "") =>
  condition(4, type, status, reason, message);
const goodListener = [
  is("Accepted", "True"),
  is("Programmed", "True"),
  is("ResolvedRefs", "True"),
  is("Conflicted", "False", "NoConflicts"),
];
const some = expect.stringMatching(/./) as unknown;

describe("the status of a GatewayClass", () => {
  test("of this gateway says that it is taken, and what is supported, in order", () => {
    const status = cluster().statusOf("GatewayClass", "sallyport") as {
      conditions: unknown;
      supportedFeatures: { name: string }[];
    };
    expect(status.conditions).toEqual([condition(1, "Accepted", "True")]);
    const names = status.supportedFeatures.map(({ name }) => name);
    expect(names).toEqual(names.toSorted());
    expect(names).toEqual(expect.arrayContaining(["Gateway", "HTTPRoute", "ReferenceGrant"]));
  });

  test("with parameters says that there are none", () => {
    const text = ours.replace("}\n", ", parametersRef: {group: a.example.com, kind: P, name: p}}\n");
    const broken = ours.replace(
      `${CONTROLLER}}`,
      `${CONTROLLER}, parametersRef: {group: a.example.com, kind: P, name: p}}`,
    );
    expect(text).not.toBe(broken);
    expect(translated(broken, "cluster").statusOf("GatewayClass", "sallyport")).toEqual({
      conditions: [condition(1, "Accepted", "False", "InvalidParameters", some)],
    });
  });

  test("of somebody else is not this gateway's to write, nor that of their Gateways and routes", () => {
    const theirs = ours.replace(CONTROLLER, "other.example.com/controller");
    const { statuses, value } = translated(
      [theirs, gateway(`listeners: [${http}]`), route("parentRefs: [{name: gw}]")].join("\n---\n"),
      "cluster",
    );
    expect(statuses.filter(({ kind }) => kind !== "HTTPRoute")).toEqual([]);
    expect(statuses.map(({ status }) => status)).toEqual([{ parents: [] }]);
    expect(value).toEqual({});
  });
});

describe("the status of a Gateway", () => {
  const statusOf = (...documents: readonly string[]) => cluster(...documents).statusOf("Gateway", "gw");

  test("that is served, with the routes it has", () => {
    expect(
      statusOf(
        gateway(`listeners: [${http}, {name: shop, port: 80, protocol: HTTP, hostname: shop.example.com}]`),
        route("parentRefs: [{name: gw}], hostnames: [shop.example.com, www.example.com]", "both"),
        route("parentRefs: [{name: gw, sectionName: http}]", "one"),
        route("parentRefs: [{name: gw, sectionName: shop}], hostnames: [other.example.com]", "none"),
      ),
    ).toEqual({
      addresses: [],
      conditions: [is("Accepted", "True"), is("Programmed", "True")],
      listeners: [
        { name: "http", supportedKinds: [httpRouteKind], attachedRoutes: 2, conditions: goodListener },
        { name: "shop", supportedKinds: [httpRouteKind], attachedRoutes: 1, conditions: goodListener },
      ],
    });
  });

  const bad = (reason: string, conflict = "NoConflicts") => [
    is("Accepted", "False", reason, some),
    is("Programmed", "False", "Invalid", some),
    is("ResolvedRefs", "True"),
    is("Conflicted", conflict === "NoConflicts" ? "False" : "True", conflict, conflict === "NoConflicts" ? "" : some),
  ];

  test.for([
    ["a protocol that is not served", "{name: it, port: 8080, protocol: TCP}", "UnsupportedProtocol", []],
    ["a port that nothing binds", "{name: it, port: 81, protocol: HTTP}", "PortUnavailable", [httpRouteKind]],
    ["a port that is not opened", "{name: it, port: 20000, protocol: HTTP}", "PortUnavailable", [httpRouteKind]],
    [
      "the port of `listen` for https",
      "{name: it, port: 4000, protocol: HTTPS, tls: {certificateRefs: [{name: none}]}}",
      "PortUnavailable",
      [httpRouteKind],
    ],
  ] as const)(
    "with %s alone is not taken; beside a good one the good one is",
    ([, listener, reason, supportedKinds]) => {
      const alone = statusOf(gateway(`listeners: [${listener}]`)) as {
        conditions: unknown;
        listeners: { conditions: unknown[] }[];
      };
      expect(alone.conditions).toEqual([
        is("Accepted", "False", "ListenersNotValid", some),
        is("Programmed", "False", "Invalid", some),
      ]);
      expect(alone.listeners).toEqual([expect.objectContaining({ name: "it", supportedKinds, attachedRoutes: 0 })]);
      expect(alone.listeners[0]?.conditions[0]).toEqual(is("Accepted", "False", reason, some));
      const beside = statusOf(gateway(`listeners: [${http}, ${listener}]`)) as {
        conditions: unknown;
        listeners: unknown;
      };
      expect(beside.conditions).toEqual([is("Accepted", "True", "ListenersNotValid", some), is("Programmed", "True")]);
    },
  );

  test("with HTTP and HTTPS on one port serves neither: nobody can say which is meant", () => {
    const both =
      "{name: a, port: 8443, protocol: HTTP}, {name: b, port: 8443, protocol: HTTPS, tls: {options: {x.example.com/y: z}}}";
    const { statusOf: of, value } = cluster(gateway(`listeners: [${both}]`));
    expect(value).toEqual({});
    expect(of("Gateway", "gw")).toEqual({
      addresses: [],
      conditions: [is("Accepted", "False", "ListenersNotValid", some), is("Programmed", "False", "Invalid", some)],
      listeners: [
        {
          name: "a",
          supportedKinds: [httpRouteKind],
          attachedRoutes: 0,
          conditions: bad("ProtocolConflict", "ProtocolConflict"),
        },
        {
          name: "b",
          supportedKinds: [httpRouteKind],
          attachedRoutes: 0,
          conditions: [
            is("Accepted", "False", "ProtocolConflict", some),
            is("Programmed", "False", "Invalid", some),
            is("ResolvedRefs", "False", "InvalidCertificateRef", some),
            is("Conflicted", "True", "ProtocolConflict", some),
          ],
        },
      ],
    });
  });

  test.for([
    ["kinds that nobody serves", "[{kind: GRPCRoute}]", []],
    ["kinds of which one is served", "[{kind: HTTPRoute}, {kind: TLSRoute}]", [httpRouteKind]],
    ["the right kind of a wrong group", "[{group: example.com, kind: HTTPRoute}]", []],
  ] as const)("that asks for %s says so", ([, kinds, supportedKinds]) => {
    const status = statusOf(
      gateway(`listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {kinds: ${kinds}}}]`),
    );
    expect(status).toMatchObject({
      listeners: [
        {
          supportedKinds,
          conditions: [
            is("Accepted", "True"),
            is("Programmed", "True"),
            is("ResolvedRefs", "False", "InvalidRouteKinds", some),
            is("Conflicted", "False", "NoConflicts"),
          ],
        },
      ],
    });
  });

  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const secret = (namespace: string, certificate: string) => `
apiVersion: v1
kind: Secret
metadata: {name: cert, namespace: ${namespace}}
type: kubernetes.io/tls
stringData: {tls.crt: ${JSON.stringify(certificate)}, tls.key: ${JSON.stringify(privateKey.export({ type: "pkcs8", format: "pem" }))}}
`;
  const grant = (from: string) => `
apiVersion: ${GROUP}/v1beta1
kind: ReferenceGrant
metadata: {name: g, namespace: vault}
spec: {from: [${from}], to: [{group: "", kind: Secret}]}
`;
  const fromGateways = `{group: ${GROUP}, kind: Gateway, namespace: infra}`;

  /* gateway-api, conformance/tests: gateway-invalid-tls-configuration, gateway-secret-*-reference-grant. */
  test.for([
    ["is not there", "[{name: nobody}]", [], "InvalidCertificateRef"],
    ["is of a wrong kind", "[{kind: ConfigMap, name: cert}]", [], "InvalidCertificateRef"],
    ["is of a wrong group", "[{group: example.com, name: cert}]", [], "InvalidCertificateRef"],
    ["holds no certificate", "[{name: cert}]", [secret("infra", "none")], "InvalidCertificateRef"],
    [
      "is in another namespace that allows nothing",
      "[{name: cert, namespace: vault}]",
      [secret("vault", "x")],
      "RefNotPermitted",
    ],
    [
      "is not there in another namespace that allows nothing",
      "[{name: cert, namespace: vault}]",
      [],
      "RefNotPermitted",
    ],
    [
      "is in another namespace that allows it to others",
      "[{name: cert, namespace: vault}]",
      [
        grant(`{group: ${GROUP}, kind: Gateway, namespace: elsewhere}`),
        grant(fromGateways).replace("name: g,", "name: h,").replace("Secret}", "Secret, name: other}"),
      ],
      "RefNotPermitted",
    ],
    [
      "is not there in another namespace that allows it",
      "[{name: cert, namespace: vault}]",
      [grant(fromGateways)],
      "InvalidCertificateRef",
    ],
  ] as const)(
    "whose certificate %s is not served there, and counts its routes all the same",
    ([, refs, documents, reason]) => {
      const status = statusOf(
        gateway(`listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: ${refs}}}]`),
        route("parentRefs: [{name: gw}]"),
        ...documents,
      );
      expect(status).toMatchObject({
        conditions: [is("Accepted", "True"), is("Programmed", "False", "Invalid", some)],
        listeners: [
          {
            supportedKinds: [httpRouteKind],
            attachedRoutes: 1,
            conditions: [
              is("Accepted", "True"),
              is("Programmed", "False", "Invalid", some),
              is("ResolvedRefs", "False", reason, some),
              is("Conflicted", "False", "NoConflicts"),
            ],
          },
        ],
      });
    },
  );

  test.for([
    ["parameters", "infrastructure: {parametersRef: {group: example.com, kind: P, name: p}}", "InvalidParameters"],
    ["an address", "addresses: [{value: 192.0.2.1}]", "UnsupportedAddress"],
  ] as const)("that asks for %s is not taken", ([, asked, reason]) => {
    expect(statusOf(gateway(`listeners: [${http}], ${asked}`))).toMatchObject({
      conditions: [is("Accepted", "False", reason, some), is("Programmed", "False", "Invalid", some)],
    });
  });

  test("that asks for what is not supported is not served at all", () => {
    const { value, statusOf: of } = cluster(
      gateway(`listeners: [${http}], tls: {backend: {clientCertificateRef: {name: c}}}`),
    );
    expect(value).toEqual({});
    const why = "spec.tls: not supported: client certificates, of callers and of the gateway, are not made use of";
    expect(of("Gateway", "gw")).toEqual({
      addresses: [],
      conditions: [is("Accepted", "False", "Invalid", why), is("Programmed", "False", "Invalid", why)],
      listeners: [],
    });
  });

  test("says where it answers, and which listener could not be bound", () => {
    const { statusOf: of } = translated(
      [ours, gateway(`listeners: [${http}, {name: two, port: 8080, protocol: HTTP}]`)].join("\n---\n"),
      "cluster",
      {
        addresses: [{ type: "IPAddress", value: "10.0.0.9" }],
        unbound: new Map([["infra/gw/two", "the port is taken"]]),
        ports,
      },
    );
    expect(of("Gateway", "gw")).toMatchObject({
      addresses: [{ type: "IPAddress", value: "10.0.0.9" }],
      listeners: [
        { conditions: goodListener },
        {
          conditions: [
            is("Accepted", "True"),
            is("Programmed", "False", "Pending", "the port is taken"),
            goodListener[2],
            goodListener[3],
          ],
        },
      ],
    });
  });
});

describe("the status of an HTTPRoute", () => {
  const at = (type: string, status: "True" | "False", reason = type, message: unknown = "") =>
    condition(7, type, status, reason, message);
  const parent = { group: GROUP, kind: "Gateway", name: "gw" };
  const listeners = `listeners: [${http}, {name: shop, port: 8080, protocol: HTTP, hostname: "*.shop.example.com", allowedRoutes: {namespaces: {from: All}}}]`;
  const statusOf = (...documents: readonly string[]) =>
    cluster(gateway(listeners), ...documents).statusOf("HTTPRoute", "r");

  test("that is served: one entry for each parentRef, as it is written, and none for what is nobody's or somebody else's", () => {
    expect(
      statusOf(
        shop(),
        route(
          "parentRefs: [{name: gw, sectionName: http}, {name: gw, sectionName: shop, port: 8080}, {name: nobody}, {kind: Service, group: '', name: mesh}], rules: [{backendRefs: [{name: shop, port: 80}]}]",
        ),
      ),
    ).toEqual({
      parents: [
        {
          parentRef: { ...parent, sectionName: "http" },
          controllerName: CONTROLLER,
          conditions: [at("Accepted", "True"), at("ResolvedRefs", "True")],
        },
        {
          parentRef: { ...parent, sectionName: "shop", port: 8080 },
          controllerName: CONTROLLER,
          conditions: [at("Accepted", "True"), at("ResolvedRefs", "True")],
        },
      ],
    });
  });

  /* gateway-api, conformance/tests: httproute-invalid-parentref-*, -disallowed-kind, -hostname-intersection. */
  test.for([
    ["no listener of that name", "{name: gw, sectionName: none}", "", "infra", "NoMatchingParent"],
    ["no listener on that port", "{name: gw, port: 9}", "", "infra", "NoMatchingParent"],
    [
      "a listener of that name, on another port",
      "{name: gw, sectionName: http, port: 8080}",
      "",
      "infra",
      "NoMatchingParent",
    ],
    [
      "a listener that takes its own namespace alone",
      "{name: gw, namespace: infra, sectionName: http}",
      "",
      "far",
      "NotAllowedByListeners",
    ],
    [
      "a listener of other hosts",
      "{name: gw, sectionName: shop}",
      "hostnames: [shop.example.com, a.example.com],",
      "infra",
      "NoMatchingListenerHostname",
    ],
  ] as const)(
    "that finds %s is not served there, and its references are looked at all the same",
    ([, ref, hosts, namespace, reason]) => {
      const parsed = cluster(
        gateway(listeners),
        shop().replace("namespace: infra", `namespace: ${namespace}`),
        route(`parentRefs: [${ref}], ${hosts} rules: [{backendRefs: [{name: shop, port: 80}]}]`, "r", namespace),
      );
      expect(parsed.statusOf("HTTPRoute", "r")).toEqual({
        parents: [
          {
            parentRef: expect.objectContaining(parent),
            controllerName: CONTROLLER,
            conditions: [at("Accepted", "False", reason, some), at("ResolvedRefs", "True")],
          },
        ],
      });
      expect(parsed.routes).toEqual({});
    },
  );

  const unresolved = (reason: string, message: unknown) => ({
    parents: [
      {
        parentRef: parent,
        controllerName: CONTROLLER,
        conditions: [at("Accepted", "True"), at("ResolvedRefs", "False", reason, message)],
      },
    ],
  });
  test.for([
    [
      "a kind that nobody knows",
      "{group: example.com, kind: Thing, name: it, port: 1}",
      "InvalidKind",
      "Thing of example.com is no backend that is known here",
    ],
    [
      "a Service that is not there",
      "{name: nobody, port: 80}",
      "BackendNotFound",
      "there is no Service nobody in namespace infra",
    ],
    [
      "a pool that is not there",
      "{group: inference.networking.k8s.io, kind: InferencePool, name: nobody}",
      "BackendNotFound",
      "there is no InferencePool nobody in namespace infra",
    ],
    [
      "a port that the Service has not",
      "{name: shop, port: 81}",
      "BackendNotFound",
      "Service infra/shop has no port 81",
    ],
    [
      "another namespace that allows nothing",
      "{name: shop, namespace: far, port: 80}",
      "RefNotPermitted",
      "no ReferenceGrant in namespace far lets HTTPRoutes of infra refer to Service shop",
    ],
    [
      "HTTP/2 without TLS",
      "{name: shop, port: 82}",
      "UnsupportedProtocol",
      "port 82 of Service infra/shop speaks kubernetes.io/h2c; HTTP/1.1 is spoken to services",
    ],
    [
      "WebSocket",
      "{name: shop, port: 83}",
      "UnsupportedProtocol",
      "port 83 of Service infra/shop speaks kubernetes.io/ws; HTTP/1.1 is spoken to services",
    ],
    [
      "UDP",
      "{name: shop, port: 84}",
      "UnsupportedProtocol",
      "port 84 of Service infra/shop speaks UDP; HTTP/1.1 is spoken to services",
    ],
  ] as const)("whose backend is %s is taken, with its references unresolved", ([, ref, reason, message]) => {
    const ports =
      "[{port: 80}, {name: h2c, port: 82, appProtocol: kubernetes.io/h2c}, {name: ws, port: 83, appProtocol: kubernetes.io/ws}, {name: udp, port: 84, protocol: UDP}]";
    const found = statusOf(
      shop(ports),
      route(`parentRefs: [{name: gw}], rules: [{backendRefs: [${ref}]}, {backendRefs: [{name: shop, port: 80}]}]`),
    );
    expect(found).toEqual(unresolved(reason, message));
  });

  test("to a Service of type ExternalName, a mirror that is not there, a filter that nobody knows: the same", () => {
    const rule = (inner: string) => route(`parentRefs: [{name: gw}], rules: [{${inner}}]`);
    expect(
      statusOf(
        shop("[{port: 80}]", ", type: ExternalName, externalName: example.com"),
        rule("backendRefs: [{name: shop, port: 80}]"),
      ),
    ).toEqual(unresolved("InvalidKind", some));
    expect(
      statusOf(
        shop(),
        rule(
          "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: none, port: 1}}}], backendRefs: [{name: shop, port: 80}]",
        ),
      ),
    ).toEqual(unresolved("BackendNotFound", some));
    expect(
      statusOf(shop(), rule("filters: [{type: ExtensionRef, extensionRef: {group: a.example.com, kind: F, name: f}}]")),
    ).toEqual(unresolved("InvalidKind", some));
  });

  test("without any backend has nothing that is unresolved", () => {
    expect(statusOf(route("parentRefs: [{name: gw}], rules: [{backendRefs: []}, {}]"))).toMatchObject({
      parents: [{ conditions: [at("Accepted", "True"), at("ResolvedRefs", "True")] }],
    });
  });

  test("with a grant is resolved, and without it no more", () => {
    const far = shop().replace("namespace: infra", "namespace: far");
    const grant = (to: string, from = "infra", kind = "HTTPRoute") => `
apiVersion: ${GROUP}/v1
kind: ReferenceGrant
metadata: {name: g, namespace: far}
spec: {from: [{group: ${GROUP}, kind: ${kind}, namespace: ${from}}], to: [${to}]}
`;
    const to = route("parentRefs: [{name: gw}], rules: [{backendRefs: [{name: shop, namespace: far, port: 80}]}]");
    const resolved = (document: string) =>
      (statusOf(far, document, to) as { parents: { conditions: { reason: string }[] }[] }).parents[0]?.conditions[1]
        ?.reason;
    expect(resolved(grant("{group: '', kind: Service, name: shop}"))).toBe("ResolvedRefs");
    expect(resolved(grant("{group: '', kind: Service}"))).toBe("ResolvedRefs");
    expect(resolved(grant("{group: '', kind: Service, name: other}"))).toBe("RefNotPermitted");
    expect(resolved(grant("{group: '', kind: Secret}"))).toBe("RefNotPermitted");
    expect(resolved(grant("{group: '', kind: Service}", "elsewhere"))).toBe("RefNotPermitted");
    expect(resolved(grant("{group: '', kind: Service}", "infra", "GRPCRoute"))).toBe("RefNotPermitted");
    expect(resolved(grant("{group: '', kind: Service}").replace("namespace: far}", "namespace: infra}"))).toBe(
      "RefNotPermitted",
    );
  });

  test("that asks for what is not supported is not served at all, and says what and where", () => {
    const parsed = cluster(
      gateway(listeners),
      shop(),
      route(
        "parentRefs: [{name: gw}, {name: nobody}], rules: [{backendRefs: [{name: shop, port: 80}]}, {retry: {attempts: 2}}]",
      ),
    );
    expect(parsed.statusOf("HTTPRoute", "r")).toEqual({
      parents: [
        {
          parentRef: parent,
          controllerName: CONTROLLER,
          conditions: [
            at(
              "Accepted",
              "False",
              "UnsupportedValue",
              expect.stringMatching(/^spec\.rules\[1\]\.retry: not supported: /),
            ),
            at("ResolvedRefs", "True"),
          ],
        },
      ],
    });
    expect(parsed.routes).toEqual({});
    expect(parsed.statusOf("Gateway", "gw")).toMatchObject({
      listeners: [{ attachedRoutes: 0 }, { attachedRoutes: 0 }],
    });
  });
});
