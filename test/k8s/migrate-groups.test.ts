import { describe, expect, test } from "vitest";
import { patternFault } from "../../src/cel/pattern.ts";
import { toRegexMatch } from "../../src/k8s/migrate/paths.ts";
import { brokenRules } from "./gateway-api-rules.ts";
import { ingress, migrated, type PathSketch, type Sketch } from "./migrate-input.ts";

const firstRule = (sketch: Sketch, ...others: readonly object[]) => {
  const { routes } = migrated([ingress(sketch), ...others]);
  const rules = routes.flatMap(
    ({ spec }) =>
      spec["rules"] as { filters?: object[]; matches: object[]; backendRefs?: object[]; timeouts?: object }[],
  );
  return rules[0] ?? { matches: [] };
};
const prefix = (value: string) => [{ path: { type: "PathPrefix", value } }];
const exactly = (value: string) => ({ type: "ReplaceFullPath", replaceFullPath: value });
const instead = (value: string) => ({ type: "ReplacePrefixMatch", replacePrefixMatch: value });

describe("paths", () => {
  test.for([
    [{ path: "/foo", pathType: "Exact" }, "Exact", "/foo"],
    [{ path: "/foo/", pathType: "Prefix" }, "PathPrefix", "/foo"],
    [{ path: "/foo", pathType: "ImplementationSpecific" }, "PathPrefix", "/foo"],
    [{ path: "/", pathType: "Prefix" }, "PathPrefix", "/"],
  ] as const)("%o is %s %s where nothing is a regular expression", ([path, type, value]) => {
    expect(firstRule({ paths: [path] }).matches).toEqual([{ path: { type, value } }]);
  });

  test("a path that nginx took as the beginning of a text is narrowed, and said to be", () => {
    expect(
      migrated([ingress({ paths: [{ path: "/foo", pathType: "ImplementationSpecific" }] })]).rows(
        "path a.example.com/foo",
      ),
    ).toMatchObject([{ outcome: "approximated", text: expect.stringContaining("/foox") }]);
  });

  test("use-regex on one Ingress makes every path of the host an expression, those of other Ingresses too, longest first", () => {
    const other = ingress({
      name: "other",
      paths: [
        { path: "/b", pathType: "Exact" },
        { path: "/longer", pathType: "Exact" },
      ],
    });
    const elsewhere = ingress({ name: "elsewhere", host: "b.example.com", paths: [{ path: "/b", pathType: "Exact" }] });
    const { route, rows } = migrated([
      ingress({ nginx: { "use-regex": "true" }, paths: [{ path: "/v[0-9]+/x$" }] }),
      other,
      elsewhere,
    ]);
    const values = (name: string) =>
      (route(name)?.spec["rules"] as { matches: { path: object }[] }[]).map(({ matches }) => matches[0]?.path);
    expect(values("web")).toEqual([{ type: "RegularExpression", value: "/[vV][0-9]+/[xX]$" }]);
    expect(values("other")).toEqual([
      { type: "RegularExpression", value: "/[lL][oO][nN][gG][eE][rR].*" },
      { type: "RegularExpression", value: "/[bB].*" },
    ]);
    expect(values("elsewhere")).toEqual([{ type: "Exact", value: "/b" }]);
    expect(rows("path a.example.com/b")[0]?.text).toContain("pathType Exact had no effect");
  });

  test("a path that takes a prefix off stays a prefix, and so do the others of its host but for expressions, which are named", () => {
    const paths = [{ path: "/api(/|$)(.*)" }, { path: "/Exact", pathType: "Exact" }];
    const all = (...more: readonly PathSketch[]) =>
      migrated([ingress({ paths: [...paths, ...more], nginx: { "rewrite-target": "/$2" } })]);
    const types = ({ routes }: ReturnType<typeof all>) =>
      (routes[0]?.spec["rules"] as { matches: { path: { type: string } }[] }[]).map(
        ({ matches }) => matches[0]?.path.type,
      );
    expect(types(all())).toEqual(["PathPrefix", "PathPrefix"]);
    expect(types(all({ path: "/x[0-9]" }))).toEqual(["PathPrefix", "RegularExpression", "PathPrefix"]);
    expect(all({ path: "/x[0-9]" }).rows("path a.example.com/x[0-9]")).toMatchObject([
      { outcome: "approximated", todo: expect.any(String) },
    ]);
  });

  test.for<[path: string, match: string | undefined]>([
    ["/v1.0/[a-f0-9]{2}/x", "/[vV]1.0/[a-fA-F0-9]{2}/[xX].*"],
    ["/[^a-z_]/(?:b|C)$", "/[^a-zA-Z_]/(?:[bB]|[Cc])$"],
    [String.raw`/\d+\.json$`, String.raw`/\d+\.[jJ][sS][oO][nN]$`],
    ["^/a.*", "/[aA].*"],
    ["/a|/b", undefined],
    ["/(?!x).*", undefined],
    ["/(?<name>x)", undefined],
    [String.raw`/(x)\1`, undefined],
    ["/[A-z]", undefined],
    ["/(", undefined],
  ])("the expression %s is %s in every dialect", ([path, match]) => {
    const value = toRegexMatch(path)?.value;
    expect(value).toBe(match);
    if (value !== undefined) expect(patternFault(`^(?:${value})$`)).toBeUndefined();
  });

  test.for<[path: string, target: string, match: string, modifier: object]>([
    ["/v1", "/", "/v1", exactly("/")],
    ["/v1", "/x/y", "/v1", exactly("/x/y")],
    ["/v1", "/$1", "/v1", exactly("/")],
    ["/api(/|$)(.*)", "/$2", "/api", instead("/")],
    ["/api(/|$)(.*)", "/q/$2", "/api", instead("/q")],
    ["/api/(.*)", "/$1", "/api", instead("/")],
    ["/api(/.*)?", "/q$1", "/api", instead("/q")],
    ["/(.*)", "/q/$1", "/", instead("/q")],
    ["/api/?(.*)", "/$1", "/api", instead("/")],
  ])("%s with rewrite-target %s is PathPrefix %s with %o", ([path, target, match, modifier]) => {
    const rule = firstRule({ paths: [{ path }], nginx: { "rewrite-target": target } });
    expect(rule.matches).toEqual(prefix(match));
    expect(rule.filters).toEqual([{ type: "URLRewrite", urlRewrite: { path: modifier } }]);
  });

  test("a target that is the path itself changes nothing, and makes no expression of anything", () => {
    const rule = firstRule({ nginx: { "rewrite-target": "/v1" }, paths: [{ path: "/v1", pathType: "Exact" }] });
    expect(rule).toEqual({
      matches: [{ path: { type: "Exact", value: "/v1" } }],
      backendRefs: [{ name: "web", port: 80 }],
    });
  });

  test.for<[path: string, target: string]>([
    ["/v(\\d+)/(.*)", "/$2?v=$1"],
    ["/users/([^/]+)/(.*)", "/$1/$2"],
    ["/v1", "/x?y=1"],
    ["/v1", "$request_uri"],
  ])("%s with rewrite-target %s is held back: no filter says it", ([path, target]) => {
    const { routes, rows } = migrated([ingress({ paths: [{ path }], nginx: { "rewrite-target": target } })]);
    expect(routes).toEqual([]);
    expect(rows("rewrite-target")).toMatchObject([{ outcome: "not translated", todo: expect.any(String) }]);
  });

  test("app-root, and X-Forwarded-Prefix beside a rewrite", () => {
    const { routes } = migrated([
      ingress({ nginx: { "app-root": "/start", "rewrite-target": "/", "x-forwarded-prefix": "/v1" } }),
    ]);
    expect(routes[0]?.spec["rules"]).toMatchObject([
      {
        matches: [{ path: { type: "Exact", value: "/" } }],
        filters: [{ requestRedirect: { statusCode: 302, path: exactly("/start") } }],
      },
      {
        filters: [
          { requestHeaderModifier: { set: [{ name: "X-Forwarded-Prefix", value: "/v1" }] } },
          { type: "URLRewrite" },
        ],
      },
    ]);
  });
});

describe("where requests go", () => {
  test("ports by name are those of the Service, and hold the route back where it is unknown", () => {
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: { ports: [{ name: "http", port: 8081 }] },
    };
    const paths: readonly PathSketch[] = [{ port: "http" }];
    expect(firstRule({ paths }, service).backendRefs).toEqual([{ name: "web", port: 8081 }]);
    expect(migrated([ingress({ paths })]).routes).toEqual([]);
  });

  test("the default backend is a last rule of each host, and a route for every host where there is none", () => {
    const spec = { defaultBackend: { service: { name: "front", port: { number: 81 } } } };
    expect(migrated([ingress({ spec })]).routes[0]?.spec["rules"]).toMatchObject([
      {},
      { matches: prefix("/"), backendRefs: [{ name: "front", port: 81 }] },
    ]);
    const [route] = migrated([ingress({ spec: { ...spec, rules: [] } })]).routes;
    expect(route?.spec).toEqual({
      parentRefs: [{ name: "main-gateway" }],
      rules: [{ matches: prefix("/"), backendRefs: [{ name: "front", port: 81 }] }],
    });
  });

  test("a canary is merged with its main Ingress: weight, header and cookie, and leave for its namespace", () => {
    const nginx = {
      canary: "true",
      "canary-weight": "20",
      "canary-by-header": "X-Canary",
      "canary-by-cookie": "next.one",
      "limit-rps": "1",
    };
    const { routes, of, rows } = migrated([
      ingress({ namespace: "shop" }),
      ingress({ name: "new", namespace: "next", nginx, paths: [{ service: "web2" }] }),
    ]);
    const canary = { name: "web2", namespace: "next", port: 80 };
    const main = { name: "web", port: 80 };
    const header = (value: string) => [{ path: prefix("/v1")[0]!.path, headers: [{ name: "X-Canary", value }] }];
    expect(routes).toHaveLength(1);
    expect(routes[0]?.spec["rules"]).toMatchObject([
      { matches: header("always"), backendRefs: [canary] },
      { matches: header("never"), backendRefs: [main] },
      {
        matches: [
          {
            headers: [
              { type: "RegularExpression", name: "Cookie", value: String.raw`^([^;]*;)* ?next\.one=always(;[^;]*)*$` },
            ],
          },
        ],
        backendRefs: [canary],
      },
      { matches: [{ headers: [{ name: "Cookie" }] }], backendRefs: [main] },
      {
        matches: prefix("/v1"),
        backendRefs: [
          { ...main, weight: 80 },
          { ...canary, weight: 20 },
        ],
      },
    ]);
    expect(of("ReferenceGrant")).toMatchObject([
      {
        metadata: { namespace: "next" },
        spec: { from: [{ kind: "HTTPRoute", namespace: "shop" }], to: [{ kind: "Service", name: "web2" }] },
      },
    ]);
    expect(rows("limit-rps")).toMatchObject([
      { outcome: "translated", text: expect.stringContaining("from its main Ingress") },
    ]);
  });

  test.for<[nginx: Record<string, string>, headers: object[], weights: (number | undefined)[]]>([
    [{ "canary-weight": "500", "canary-weight-total": "1000" }, [], [500, 500]],
    [{ "canary-weight": "300" }, [], [0, 100]],
    [{ "canary-by-header": "X", "canary-by-header-value": "yes" }, [{ name: "X", value: "yes" }], [undefined]],
    [
      { "canary-by-header": "X", "canary-by-header-pattern": "^a" },
      [{ type: "RegularExpression", name: "X", value: "(?:a).*" }],
      [undefined],
    ],
  ])("%o", ([nginx, headers, weights]) => {
    const { routes } = migrated([ingress(), ingress({ name: "c", nginx: { canary: "true", ...nginx } })]);
    const rules = routes[0]?.spec["rules"] as {
      matches: { headers?: object[] }[];
      backendRefs: { weight?: number }[];
    }[];
    expect(rules.flatMap(({ matches }) => matches[0]?.headers ?? [])).toEqual(headers);
    expect(rules.at(-1)?.backendRefs.map(({ weight }) => weight)).toEqual(weights);
  });

  test("what finds a canary's cookie finds it anywhere in the header, nowhere else, and in linear time", () => {
    const nginx = { canary: "true", "canary-by-cookie": "next" };
    const { routes } = migrated([ingress(), ingress({ name: "new", nginx })]);
    const value = String(routes[0]?.spec["rules"][0].matches[0].headers[0].value);
    expect(
      ["next=always", "a=b; next=always; c=d", "a=b;next=always"].filter((text) => !new RegExp(value).test(text)),
    ).toEqual([]);
    expect(
      ["xnext=always", "next=alwaysx", "a=next=always", "next=never"].filter((text) => new RegExp(value).test(text)),
    ).toEqual([]);
    expect(patternFault(`^(?:${value})$`)).toBeUndefined();
  });

  test("a canary without a main Ingress is reported as nothing", () => {
    const { applied, rows } = migrated([ingress({ nginx: { canary: "true", "canary-weight": "10" } })]);
    expect(applied).toEqual([]);
    expect(rows("canary-weight")).toMatchObject([{ outcome: "not translated", todo: expect.any(String) }]);
  });

  test("backend-protocol HTTPS makes a policy that verifies; GRPC holds the route back", () => {
    const nginx = {
      "backend-protocol": "HTTPS",
      "proxy-ssl-verify": "on",
      "proxy-ssl-secret": "default/ca",
      "proxy-ssl-name": "web.internal",
    };
    const { of, applied } = migrated([ingress({ nginx })]);
    expect(of("BackendTLSPolicy").map(({ spec }) => spec)).toEqual([
      {
        targetRefs: [{ group: "", kind: "Service", name: "web" }],
        validation: { caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "ca" }], hostname: "web.internal" },
      },
    ]);
    expect(applied.flatMap(brokenRules)).toEqual([]);
    expect(migrated([ingress({ nginx: { "backend-protocol": "GRPC" } })]).routes).toEqual([]);
  });

  test("mirrors, hosts and time", () => {
    const nginx = {
      "mirror-target": "http://copy.qa.svc.cluster.local:81$request_uri",
      "upstream-vhost": "inner.example.com",
      "proxy-read-timeout": "300",
      "proxy-send-timeout": "20",
    };
    const { routes, of } = migrated([ingress({ nginx })]);
    expect(routes[0]?.spec["rules"]).toMatchObject([
      {
        filters: [
          { urlRewrite: { hostname: "inner.example.com" } },
          { requestMirror: { backendRef: { name: "copy", namespace: "qa", port: 81 } } },
        ],
        timeouts: { backendRequest: "300s" },
      },
    ]);
    expect(of("ReferenceGrant")).toHaveLength(1);
  });
});

describe("TLS and redirects", () => {
  const tls = [{ hosts: ["a.example.com"], secretName: "cert" }];

  test("a host with a certificate has a listener, and http is sent to https unless that is off", () => {
    const { gateways, route } = migrated([ingress({ tls })]);
    expect(gateways[0]?.spec["listeners"]).toEqual([
      { name: "http", port: 80, protocol: "HTTP" },
      {
        name: "https-a-example-com",
        hostname: "a.example.com",
        port: 443,
        protocol: "HTTPS",
        tls: { mode: "Terminate", certificateRefs: [{ name: "cert" }] },
      },
    ]);
    expect(route("web")?.spec["parentRefs"]).toEqual([{ name: "main-gateway", sectionName: "https-a-example-com" }]);
    expect(route("web-https-redirect")?.spec).toMatchObject({
      parentRefs: [{ name: "main-gateway", sectionName: "http" }],
      rules: [{ filters: [{ requestRedirect: { scheme: "https", statusCode: 308 } }] }],
    });
    const off = migrated([ingress({ tls, nginx: { "ssl-redirect": "false" } })]);
    expect(off.routes.map(({ spec }) => spec["parentRefs"])).toEqual([[{ name: "main-gateway" }]]);
  });

  test("the certificate that one Ingress brings is that of the host for the others", () => {
    const { route } = migrated([ingress({ tls }), ingress({ name: "other", paths: [{ path: "/o" }] })]);
    expect(route("other")?.spec["parentRefs"]).toEqual([{ name: "main-gateway", sectionName: "https-a-example-com" }]);
  });

  test("force-ssl-redirect without a certificate is not made into a circle", () => {
    const { routes, rows } = migrated([ingress({ nginx: { "force-ssl-redirect": "true" } })]);
    expect(routes).toHaveLength(1);
    expect(rows("force-ssl-redirect")).toMatchObject([{ outcome: "not translated" }]);
  });

  test("a Gateway in one namespace may read the certificates of another, and takes routes of all", () => {
    const { gateways, of, route } = migrated([
      ingress({ tls, namespace: "shop" }),
      ingress({ name: "b", host: "b.example.com", namespace: "blog" }),
    ]);
    expect(gateways[0]?.metadata.namespace).toBe("default");
    expect(gateways[0]?.spec["listeners"]).toMatchObject([
      { allowedRoutes: { namespaces: { from: "All" } } },
      { tls: { certificateRefs: [{ name: "cert", namespace: "shop" }] } },
    ]);
    expect(of("ReferenceGrant").map(({ metadata, spec }) => [metadata.namespace, spec])).toEqual([
      [
        "shop",
        {
          from: [{ group: "gateway.networking.k8s.io", kind: "Gateway", namespace: "default" }],
          to: [{ group: "", kind: "Secret", name: "cert" }],
        },
      ],
    ]);
    expect(route("b")?.spec["parentRefs"]).toEqual([{ name: "main-gateway", namespace: "default" }]);
  });

  test.for<[nginx: Record<string, string>, redirect: object]>([
    [
      { "permanent-redirect": "https://new.example.com/x" },
      { scheme: "https", hostname: "new.example.com", path: exactly("/x"), statusCode: 301 },
    ],
    [
      { "permanent-redirect": "http://n.example.com:8080", "permanent-redirect-code": "308" },
      { scheme: "http", hostname: "n.example.com", port: 8080, path: exactly("/"), statusCode: 308 },
    ],
    [
      { "temporal-redirect": "https://t.example.com", "permanent-redirect": "https://p.example.com" },
      { scheme: "https", hostname: "t.example.com", path: exactly("/"), statusCode: 302 },
    ],
  ])("%o", ([nginx, requestRedirect]) => {
    expect(firstRule({ nginx })).toEqual({
      matches: prefix("/v1"),
      filters: [{ type: "RequestRedirect", requestRedirect }],
    });
  });

  test("a redirect that has a query, or goes by a variable, is held back", () => {
    for (const target of ["https://x.example.com/?a=b", "https://$host/x", "/relative"])
      expect(migrated([ingress({ nginx: { "permanent-redirect": target } })]).routes).toEqual([]);
  });

  test("the name with www is sent to the one without, and aliases are served", () => {
    const { route, gateways } = migrated([
      ingress({ tls, nginx: { "from-to-www-redirect": "true", "server-alias": "c.example.com, ~^d" } }),
    ]);
    expect(route("web-www")?.spec).toMatchObject({
      hostnames: ["www.a.example.com"],
      rules: [{ filters: [{ requestRedirect: { hostname: "a.example.com", statusCode: 308 } }] }],
    });
    expect(route("web")?.spec["hostnames"]).toEqual(["a.example.com", "c.example.com"]);
    expect(gateways[0]?.spec["listeners"]).toHaveLength(4);
  });
});

describe("CORS and headers", () => {
  test("the defaults of nginx are written out; credentials for every origin are not", () => {
    expect(firstRule({ nginx: { "enable-cors": "true" } }).filters).toEqual([
      {
        type: "CORS",
        cors: {
          allowOrigins: ["*"],
          allowMethods: ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"],
          allowHeaders: [
            "DNT",
            "Keep-Alive",
            "User-Agent",
            "X-Requested-With",
            "If-Modified-Since",
            "Cache-Control",
            "Content-Type",
            "Range",
            "Authorization",
          ],
          maxAge: 1_728_000,
        },
      },
    ]);
  });

  test("what is set is taken over", () => {
    const nginx = {
      "enable-cors": "true",
      "cors-allow-origin": "https://*.example.com, http://x.org:8080",
      "cors-allow-methods": "GET, BREW",
      "cors-allow-headers": "X-A",
      "cors-expose-headers": "X-B, X-C",
      "cors-max-age": "600",
    };
    const { rows } = migrated([ingress({ nginx })]);
    expect(firstRule({ nginx }).filters).toMatchObject([
      {
        cors: {
          allowOrigins: ["https://*.example.com", "http://x.org:8080"],
          allowCredentials: true,
          allowMethods: ["GET"],
          allowHeaders: ["X-A"],
          exposeHeaders: ["X-B", "X-C"],
          maxAge: 600,
        },
      },
    ]);
    expect(rows("cors-allow-methods")).toMatchObject([
      { outcome: "not translated", text: expect.stringContaining("BREW") },
    ]);
    expect(rows("cors-allow-origin")).toMatchObject([{ outcome: "approximated" }]);
  });

  test("custom-headers are those of the ConfigMap beside the Ingress", () => {
    const map = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "h", namespace: "ops" },
      data: { "X-B": "2", "X-A": "1" },
    };
    expect(firstRule({ nginx: { "custom-headers": "ops/h" } }, map).filters).toEqual([
      {
        type: "ResponseHeaderModifier",
        responseHeaderModifier: {
          set: [
            { name: "X-A", value: "1" },
            { name: "X-B", value: "2" },
          ],
        },
      },
    ]);
    expect(migrated([ingress({ nginx: { "custom-headers": "ops/h" } })]).rows("custom-headers")[0]?.outcome).toBe(
      "not translated",
    );
  });
});

describe("Ingresses beside each other", () => {
  test("what nginx took for a whole host holds back every Ingress of the host, and no other", () => {
    for (const name of ["server-snippet", "auth-tls-secret"]) {
      const { routes, reports } = migrated([
        ingress({ nginx: { [name]: "deny all;" } }),
        ingress({ name: "open", paths: [{ path: "/open" }] }),
        ingress({ name: "elsewhere", host: "b.example.com" }),
      ]);
      expect(routes.map(({ metadata }) => metadata.name)).toEqual(["elsewhere"]);
      expect(reports[1]?.withheld[0]).toContain(`default/web has nginx.ingress.kubernetes.io/${name}`);
    }
  });

  test("two that have the same path are named, and what one holds back the other does not serve", () => {
    const same = migrated([ingress(), ingress({ name: "twin" })]);
    expect(same.routes).toHaveLength(2);
    expect(same.rows("path a.example.com/v1 (PathPrefix)")).toMatchObject([
      { text: expect.stringContaining("default/twin"), todo: expect.any(String) },
      { text: expect.stringContaining("default/web"), todo: expect.any(String) },
    ]);
    const guarded = ingress({ name: "guarded", nginx: { "auth-url": "http://auth" } });
    const bridge = ingress({ name: "bridge", paths: [{}, { path: "/b" }] });
    expect(migrated([ingress({ name: "last", paths: [{ path: "/b" }] }), bridge, guarded]).routes).toEqual([]);
  });

  test("a default backend gives way to the path / of another Ingress of the host", () => {
    const spec = { defaultBackend: { service: { name: "front", port: { number: 81 } } } };
    const { routes } = migrated([ingress({ spec }), ingress({ name: "root", paths: [{ path: "/" }] })]);
    expect(routes.map(({ spec: { rules } }) => (rules as unknown[]).length)).toEqual([1, 1]);
  });
});

describe("what has no standard kind", () => {
  test.for([
    "auth-url",
    "auth-type",
    "auth-tls-secret",
    "whitelist-source-range",
    "denylist-source-range",
    "satisfy",
    "enable-modsecurity",
    "configuration-snippet",
    "ssl-passthrough",
  ])("%s holds the routes back", (name) => {
    const value = name.startsWith("enable") || name === "ssl-passthrough" ? "true" : "any";
    expect(migrated([ingress({ nginx: { [name]: value } })]).routes).toEqual([]);
  });

  test.for([
    ["enable-modsecurity", "false"],
    ["satisfy", "all"],
    ["auth-tls-verify-client", "off"],
    ["whitelist-source-range", ""],
    ["ssl-passthrough", "false"],
    ["enable-global-auth", "false"],
  ] as const)("%s: %s holds nothing back", ([name, value]) => {
    expect(migrated([ingress({ nginx: { [name]: value } })]).routes).toHaveLength(1);
  });

  test.for(["affinity", "upstream-hash-by", "proxy-body-size", "proxy-next-upstream", "custom-http-errors"])(
    "%s is left out, with what to do",
    (name) => {
      const { routes, rows } = migrated([ingress({ nginx: { [name]: "5" } })]);
      expect(routes).toHaveLength(1);
      expect(rows(name)).toMatchObject([{ outcome: "not translated", todo: expect.any(String) }]);
    },
  );

  test("limits of an address are a Budget of its routes, with nginx's burst as the time in which requests are counted", () => {
    const nginx = { "limit-rps": "10", "limit-rpm": "100", "limit-connections": "20", "ssl-redirect": "true" };
    const { of, rows } = migrated([
      ingress({ namespace: "shop", nginx, tls: [{ hosts: ["a.example.com"], secretName: "cert" }] }),
    ]);
    expect(of("Budget")).toEqual([
      {
        apiVersion: "sallyport.dev/v1alpha1",
        kind: "Budget",
        metadata: { name: "web", namespace: "shop" },
        spec: {
          targetRefs: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "web" }],
          per: "request.ip",
          limits: ["50 requests/5s", "500 requests/5min", "20 concurrent calls"],
        },
      },
    ]);
    expect(rows("limit-rps")).toMatchObject([{ outcome: "approximated", text: expect.stringContaining("429") }]);
    const limitsOf = (more: Record<string, string>) =>
      migrated([ingress({ nginx: more })])
        .of("Budget")
        .map(({ spec }) => spec["limits"] as unknown);
    expect(limitsOf({ "limit-rps": "10", "limit-burst-multiplier": "1" })).toEqual([["10 requests/1s"]]);
    expect(limitsOf({ "limit-rps": "0" })).toEqual([]);
    const exempt = migrated([ingress({ nginx: { "limit-rps": "10", "limit-allowlist": "10.0.0.0/8" } })]);
    expect(exempt.of("Budget")).toEqual([]);
    expect(exempt.rows("limit-rps")).toMatchObject([{ outcome: "not translated", todo: expect.any(String) }]);
  });
});
