import { describe, expect, test } from "vitest";
import { createObjects } from "../../src/k8s/objects.ts";
import { service } from "../../src/k8s/kinds/core.ts";
import { httpRoute } from "../../src/k8s/kinds/http-route.ts";
import { gateway } from "../../src/k8s/kinds/gateway.ts";
import { parseManifests } from "../../src/k8s/read-manifests.ts";
import { translated } from "./meaning.ts";
import { meaningOf, sample } from "./objects-from.ts";

const GROUP = "gateway.networking.k8s.io";
const object = (kind: string, spec: string, version = `${GROUP}/v1`) =>
  `apiVersion: ${version}\nkind: ${kind}\nmetadata: {name: it}\nspec: {${spec}}\n`;
const read = (text: string, source: "folder" | "cluster" = "folder") =>
  createObjects(parseManifests(text, "x.yaml").manifests, source);
const problemsOf = (text: string) => translated(text).problems;

const backend = "{name: shop, port: 80}";
const refs = "parentRefs: [{name: gw}]";
const rule = (inner: string) => object("HTTPRoute", `${refs}, rules: [{${inner}}]`);
const path = (type: string, value: string) =>
  rule(`matches: [{path: {type: ${type}, value: ${JSON.stringify(value)}}}]`);
const filters = (list: string, more = "") => rule(`filters: [${list}]${more}`);
const at = "spec.rules[0]";
const rewritePrefix = "{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}";
const listeners = (...list: readonly string[]) =>
  object("Gateway", `gatewayClassName: sallyport, listeners: [${list.join(", ")}]`);

/* Messages as the CRDs have them: gateway-api, config/crd/standard. */
test.for<[what: string, text: string, problems: string[]]>([
  [
    "two references to one Gateway, one without a section",
    object("HTTPRoute", "parentRefs: [{name: gw}, {name: gw, sectionName: a}]"),
    ["spec.parentRefs: sectionName must be specified when parentRefs includes 2 or more references to the same parent"],
  ],
  [
    "two references to one section",
    object("HTTPRoute", "parentRefs: [{name: gw, sectionName: a}, {name: gw, namespace: '', sectionName: a}]").replace(
      "namespace: '', ",
      "",
    ),
    ["spec.parentRefs: sectionName must be unique when parentRefs includes 2 or more references to the same parent"],
  ],
  [
    "more matches than a route has",
    object(
      "HTTPRoute",
      `${refs}, rules: [${Array.from({ length: 3 }, () => `{matches: [${Array.from({ length: 43 }, (_, n) => `{path: {value: /${n}}}`).join(", ")}]}`).join(", ")}]`,
    ),
    [
      "spec.rules: While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128",
    ],
  ],
  [
    "a redirect with a backend",
    filters("{type: RequestRedirect, requestRedirect: {}}", `, backendRefs: [${backend}]`),
    [`${at}: RequestRedirect filter must not be used together with backendRefs`],
  ],
  [
    "a prefix replaced where there is none",
    rule(`matches: [{path: {type: Exact, value: /a}}], filters: [${rewritePrefix}], backendRefs: [${backend}]`),
    [
      `${at}: When using URLRewrite filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified`,
    ],
  ],
  [
    "a prefix replaced for two matches",
    rule(`matches: [{path: {value: /a}}, {path: {value: /b}}], filters: [${rewritePrefix}], backendRefs: [${backend}]`),
    [
      `${at}: When using URLRewrite filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified`,
    ],
  ],
  [
    "the same at a backend",
    rule(
      `matches: [{path: {type: Exact, value: /a}}], backendRefs: [{name: shop, port: 80, filters: [${rewritePrefix}]}]`,
    ),
    [
      `${at}: Within backendRefs, When using URLRewrite filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified`,
    ],
  ],
  [
    "a Service without a port",
    rule("backendRefs: [{name: shop}]"),
    [`${at}.backendRefs[0]: Must have port for Service reference`],
  ],
  [
    "a mirror without a port",
    filters("{type: RequestMirror, requestMirror: {backendRef: {name: shop}}}"),
    [`${at}.filters[0].requestMirror.backendRef: Must have port for Service reference`],
  ],
  [
    "a rewrite beside a redirect",
    filters(`{type: RequestRedirect, requestRedirect: {}}, {type: URLRewrite, urlRewrite: {}}`),
    [`${at}.filters: May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both`],
  ],
  [
    "a filter twice",
    filters("{type: URLRewrite, urlRewrite: {}}, {type: URLRewrite, urlRewrite: {}}"),
    [`${at}.filters: URLRewrite filter cannot be repeated`],
  ],
  [
    "the field of another filter",
    filters("{type: CORS, urlRewrite: {}}"),
    [
      `${at}.filters[0]: filter.cors must be specified for CORS filter.type`,
      `${at}.filters[0]: filter.urlRewrite must be nil if the filter.type is not URLRewrite`,
    ],
  ],
  [
    "a star beside origins",
    filters("{type: CORS, cors: {allowOrigins: ['*', 'https://a.example.com']}}"),
    [`${at}.filters[0].cors.allowOrigins: AllowOrigins cannot contain '*' alongside other origins`],
  ],
  [
    "a star beside headers",
    filters("{type: CORS, cors: {allowHeaders: ['*', x-a]}}"),
    [`${at}.filters[0].cors.allowHeaders: AllowHeaders cannot contain '*' alongside other methods`],
  ],
  [
    "a percentage and a fraction",
    filters(
      "{type: RequestMirror, requestMirror: {backendRef: {name: shop, port: 80}, percent: 1, fraction: {numerator: 1}}}",
    ),
    [`${at}.filters[0].requestMirror: Only one of percent or fraction may be specified in HTTPRequestMirrorFilter`],
  ],
  [
    "more than the whole",
    filters(
      "{type: RequestMirror, requestMirror: {backendRef: {name: shop, port: 80}, fraction: {numerator: 3, denominator: 2}}}",
    ),
    [`${at}.filters[0].requestMirror.fraction: numerator must be less than or equal to denominator`],
  ],
  [
    "a path edit of another type",
    filters("{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replacePrefixMatch: /a}}}"),
    [
      `${at}.filters[0].urlRewrite.path: replaceFullPath must be specified when type is set to 'ReplaceFullPath'`,
      `${at}.filters[0].urlRewrite.path: type must be 'ReplacePrefixMatch' when replacePrefixMatch is set`,
    ],
  ],
  [
    "a path without a slash",
    path("Exact", "a"),
    [
      `${at}.matches[0].path: value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']`,
    ],
  ],
  [
    "a path with an empty element",
    path("PathPrefix", "/a//b"),
    [`${at}.matches[0].path: must not contain '//' when type one of ['Exact', 'PathPrefix']`],
  ],
  [
    "a path that ends in a step up",
    path("PathPrefix", "/a/.."),
    [`${at}.matches[0].path: must not end with '/..' when type one of ['Exact', 'PathPrefix']`],
  ],
  [
    "a path with an encoded slash",
    path("Exact", "/a%2fb"),
    [`${at}.matches[0].path: must not contain '%2f' when type one of ['Exact', 'PathPrefix']`],
  ],
  [
    "a path with a blank",
    path("Exact", "/a b"),
    [
      `${at}.matches[0].path: must only contain valid characters (matching ^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$) for types ['Exact', 'PathPrefix']`,
    ],
  ],
  [
    "a try that outlives the request",
    rule("timeouts: {request: 1s, backendRequest: 1s1ms}"),
    [`${at}.timeouts: backendRequest timeout cannot be longer than request timeout`],
  ],
  [
    "tls on a listener for HTTP",
    listeners("{name: a, port: 80, protocol: HTTP, tls: {certificateRefs: [{name: c}]}}"),
    ["spec.listeners: tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']"],
  ],
  [
    "TLS that is passed through on HTTPS",
    listeners("{name: a, port: 443, protocol: HTTPS, tls: {mode: Passthrough}}"),
    ["spec.listeners: tls mode must be Terminate for protocol HTTPS"],
  ],
  [
    "TLS without a mode",
    listeners("{name: a, port: 443, protocol: TLS}"),
    ["spec.listeners: tls mode must be set for protocol TLS"],
  ],
  [
    "a host for TCP",
    listeners("{name: a, port: 1, protocol: TCP, hostname: a.example.com}"),
    ["spec.listeners: hostname must not be specified for protocols ['TCP', 'UDP']"],
  ],
  [
    "one host and port twice",
    listeners("{name: a, port: 80, protocol: HTTP}", "{name: b, port: 80, protocol: HTTP}"),
    ["spec.listeners: Combination of port, protocol and hostname must be unique for each listener"],
  ],
  [
    "no certificate",
    listeners("{name: a, port: 443, protocol: HTTPS, tls: {}}"),
    ["spec.listeners[0].tls: certificateRefs or options must be specified when mode is Terminate"],
  ],
  [
    "an address twice",
    object(
      "Gateway",
      "gatewayClassName: sallyport, listeners: [{name: a, port: 80, protocol: HTTP}], addresses: [{value: 1.1.1.1}, {value: 1.1.1.1}]",
    ),
    ["spec.addresses: IPAddress values must be unique"],
  ],
  [
    "a label that is none",
    object(
      "Gateway",
      "gatewayClassName: sallyport, listeners: [{name: a, port: 80, protocol: HTTP}], infrastructure: {labels: {'-a': b}}",
    ),
    [
      "spec.infrastructure.labels: Label keys must be in the form of an optional DNS subdomain prefix followed by a required name segment of up to 63 characters.",
    ],
  ],
])("refused as the CRD refuses it: %s", ([, text, problems]) => {
  expect(problemsOf(text)).toEqual(problems);
});

test.for<[what: string, text: string, problems: string[]]>([
  [
    "a field that there is not",
    rule("backendRef: []"),
    [`${at}.backendRef: there is no such key; did you mean "backendRefs"?`],
  ],
  [
    "retries",
    rule(`backendRefs: [${backend}], retry: {attempts: 3}`),
    [
      `${at}.retry: not supported: retries (experimental) are not made: nothing that was sent to a service is sent again`,
    ],
  ],
  [
    "sessions",
    rule(`backendRefs: [${backend}], sessionPersistence: {type: Cookie}`),
    [`${at}.sessionPersistence: not supported: sessions (experimental) are not kept to one backend`],
  ],
  [
    "a host in capitals",
    object("HTTPRoute", `${refs}, hostnames: [Shop.example.com]`),
    ["spec.hostnames[0]: a host in lower case, without a port, such as shop.example.com or *.example.com"],
  ],
  [
    "a duration in days",
    rule("timeouts: {request: 1d}"),
    [`${at}.timeouts.request: expected a duration such as 10s or 1m30s (h, m, s and ms; no days, no fractions)`],
  ],
  [
    "a method that nobody has",
    rule("matches: [{method: BREW}]"),
    [`${at}.matches[0].method: expected one of GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH`],
  ],
  [
    "a header twice",
    rule("matches: [{headers: [{name: a, value: '1'}, {name: a, value: '2'}]}]"),
    [`${at}.matches[0].headers[1].name: stands here twice: keep one`],
  ],
  [
    "a kind of the group that is not read",
    object("GRPCRoute", refs),
    [
      `kind: GRPCRoute of ${GROUP} is not read; of ${GROUP} there are GatewayClass, Gateway, HTTPRoute, ReferenceGrant, BackendTLSPolicy`,
    ],
  ],
  [
    "a version that is not read",
    object("HTTPRoute", refs, `${GROUP}/v1alpha2`),
    ["apiVersion: version v1alpha2 of HTTPRoute is not read: write v1 or v1beta1"],
  ],
])("refused with its place and what to do: %s", ([, text, problems]) => {
  expect(problemsOf(text)).toEqual(problems);
});

describe("what stands in no manifest", () => {
  test("is filled in as the CRD does", () => {
    const [found] = read(
      object(
        "HTTPRoute",
        "parentRefs: [{name: gw}], rules: [{backendRefs: [{name: shop, port: 80}]}, {matches: [{path: {value: /a}}, {headers: [{name: a, value: b}]}], filters: [{type: RequestRedirect, requestRedirect: {}}]}]",
      ),
    ).list(httpRoute);
    const root = { path: { type: "PathPrefix", value: "/" } };
    expect(found?.spec).toEqual({
      parentRefs: [{ group: GROUP, kind: "Gateway", name: "gw" }],
      rules: [
        { matches: [root], backendRefs: [{ group: "", kind: "Service", name: "shop", port: 80, weight: 1 }] },
        {
          matches: [
            { path: { type: "PathPrefix", value: "/a" } },
            { ...root, headers: [{ type: "Exact", name: "a", value: "b" }] },
          ],
          filters: [{ type: "RequestRedirect", requestRedirect: { statusCode: 302 } }],
        },
      ],
    });
    const [bare] = read(object("HTTPRoute", "")).list(httpRoute);
    expect(bare?.spec).toEqual({ rules: [{ matches: [root] }] });
    const [made] = read(listeners("{name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c}]}}")).list(
      gateway,
    );
    expect(made?.spec.listeners).toEqual([
      {
        name: "a",
        port: 443,
        protocol: "HTTPS",
        tls: { mode: "Terminate", certificateRefs: [{ group: "", kind: "Secret", name: "c" }] },
        allowedRoutes: { namespaces: { from: "Same" } },
      },
    ]);
  });

  test("and what is null is as if it were not there", () => {
    const [found] = read(
      object("HTTPRoute", "parentRefs: null, rules: [{matches: null, timeouts: {request: null}}]"),
    ).list(httpRoute);
    expect(found?.spec.rules).toEqual([{ matches: [{ path: { type: "PathPrefix", value: "/" } }], timeouts: {} }]);
  });
});

test("of an API server, a field that is not known here is left out with a warning; one that asks for something is not", () => {
  const text = rule(`backendRefs: [${backend}], future: {a: 1}`);
  const objects = read(text, "cluster");
  expect(objects.problems).toEqual([]);
  expect(objects.warnings).toMatchObject([
    { path: ["spec", "rules", 0, "future"], message: "this field is not known here, and left out" },
  ]);
  expect(objects.list(httpRoute)).toHaveLength(1);
  expect(read(rule("retry: {}"), "cluster").problems).toHaveLength(1);
});

test("an object twice is refused the second time, and says where the first is", () => {
  const twice = `${object("HTTPRoute", refs)}---\n${object("HTTPRoute", refs)}`;
  expect(problemsOf(twice)).toEqual([
    "metadata.name: HTTPRoute it stands in x.yaml:1 already".replace("x.yaml", "test.yaml"),
  ]);
});

test("two references to Gateways of one name in two namespaces are not two to one", () => {
  expect(
    problemsOf(object("HTTPRoute", "parentRefs: [{name: gw, namespace: a}, {name: gw, namespace: b}, {name: gw}]")),
  ).toEqual([]);
});

test.each([
  ["httproutes may have dots", httpRoute, "a.b-c", undefined],
  ["no capitals", httpRoute, "Shop", "name"],
  ["no slash", httpRoute, "a/b", "name"],
  ["no line break", httpRoute, "a\nb", "name"],
  ["nothing after the name", httpRoute, "a-", "name"],
  ["at most 253", httpRoute, "a".repeat(254), "name"],
  ["253", httpRoute, "a".repeat(253), undefined],
  ["Services are labels", service, "a.b", "name"],
  ["of at most 63", service, "a".repeat(64), "name"],
  ["63", service, "a".repeat(63), undefined],
])("objects have names that a cluster takes: %s", (_, kind, name, at) => {
  const { problems } = meaningOf([sample(kind, kind === httpRoute ? { rules: [{}] } : {}, { name })]);
  expect(problems.map((problem) => problem.split(":")[0])).toEqual(at === undefined ? [] : [`metadata.${at}`]);
});

test.each(["Team-A", "a.b", "-a", "a".repeat(64), "a/b"])("no namespace is called %s", (namespace) => {
  const { problems } = meaningOf([sample(httpRoute, { rules: [{}] }, { name: "a", namespace })]);
  expect(problems).toEqual([expect.stringMatching(/^metadata\.namespace: expected at most 63 lower-case letters/)]);
});
