import { describe, expect, test } from "vitest";
import { configSchema } from "../../src/config/schema.ts";
import { manifests, openGateway, route, service } from "./manifests-scene.ts";
import { translated } from "./meaning.ts";

const backends = new Map(["shop", "next"].map((name) => [`${name}.default`, ["http://127.0.0.1:9000"]]));
const ruleOf = (inner: string) => {
  const { routes, value, problems } = translated(
    manifests(openGateway, service("shop"), service("next"), route("r", `rules: [{${inner}}]`)),
    "folder",
    { backends },
  );
  expect(problems).toEqual([]);
  expect(configSchema.safeParse({ policies: "open", ...value }).error?.issues ?? []).toEqual([]);
  return (routes["default/r"]?.["rules"] as unknown[])[0];
};
const toShop = "backendRefs: [{name: shop, port: 80}]";
const any = [{ path: { prefix: "/" } }];
const to = [{ service: "default/shop:80", weight: 1 }];

test.for<[what: string, rule: string, expected: object]>([
  ["nothing but a backend", toShop, { match: any, to }],
  ["no backend", "", { match: any, to: [] }],
  ["a name", `name: cart, ${toShop}`, { name: "cart", match: any, to }],
  [
    "paths of every type, with percent-encodings as the edge has them",
    `matches: [{path: {type: Exact, value: /%c3%a4}}, {path: {type: RegularExpression, value: "/v[0-9]"}}, {path: {type: PathPrefix, value: /a/}}], ${toShop}`,
    { match: [{ path: { exact: "/%C3%A4" } }, { path: { regex: "/v[0-9]" } }, { path: { prefix: "/a/" } }], to },
  ],
  [
    "headers of which two differ in case alone: the first counts",
    `matches: [{method: GET, headers: [{name: X-A, value: "1"}, {name: x-a, value: "2"}, {name: x-b, type: RegularExpression, value: "c+"}]}], ${toShop}`,
    { match: [{ ...any[0], method: "GET", headers: { "x-a": "1", "x-b": { regex: "c+" } } }], to },
  ],
  [
    "parameters of the query, of which case counts",
    `matches: [{queryParams: [{name: A, value: "1"}, {name: a, value: "2"}]}], ${toShop}`,
    { match: [{ ...any[0], query: { A: "1", a: "2" } }], to },
  ],
  [
    "times",
    `timeouts: {request: 1h2m3s4ms, backendRequest: 1500ms}, ${toShop}`,
    { match: any, to, timeouts: { request: "3723004ms", backend: "1500ms" } },
  ],
  [
    "weights and edits of one backend alone",
    "backendRefs: [{name: shop, port: 80, weight: 0}, {name: next, port: 80, weight: 3, filters: [{type: URLRewrite, urlRewrite: {hostname: n.example.com}}]}]",
    {
      match: any,
      to: [
        { service: "default/shop:80", weight: 0 },
        { service: "default/next:80", weight: 3, filters: [{ rewrite: { host: "n.example.com" } }] },
      ],
    },
  ],
  [
    "header edits of which two differ in case alone: the first counts",
    `filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: X-A, value: "1"}, {name: x-a, value: "2"}], add: [{name: B, value: c}], remove: [D, d]}}], ${toShop}`,
    { match: any, filters: [{ responseHeaders: { set: { "x-a": "1" }, add: { b: "c" }, remove: ["d"] } }], to },
  ],
  [
    "copies of a share",
    `filters: [{type: RequestMirror, requestMirror: {backendRef: {name: next, port: 80}, fraction: {numerator: 1, denominator: 8}}}, {type: RequestMirror, requestMirror: {backendRef: {name: next, port: 80}, percent: 0}}, {type: RequestMirror, requestMirror: {backendRef: {name: next, port: 80}}}], ${toShop}`,
    {
      match: any,
      filters: [12.5, 0, undefined].map((percent) => ({
        mirror: { service: "default/next:80", ...(percent !== undefined && { percent }) },
      })),
      to,
    },
  ],
  [
    "a path that is to be empty",
    `filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: ""}}}], ${toShop}`,
    { match: any, filters: [{ rewrite: { path: { full: "/" } } }], to },
  ],
])("a rule with %s", ([, rule, expected]) => {
  expect(ruleOf(rule)).toEqual(expected);
});

test("a route keeps its hosts, its age, its namespace and the listeners that take it", () => {
  const text = route("r", `hostnames: [a.example.com, "*.example.org"], rules: [{${toShop}}]`).replace(
    "name: r}",
    "name: r, creationTimestamp: 2026-11-01T00:00:00Z}",
  );
  const { routes, value } = translated(manifests(openGateway, service("shop"), text), "folder", { backends });
  expect(routes["default/r"]).toMatchObject({
    hosts: ["a.example.com", "*.example.org"],
    created: "2026-11-01T00:00:00Z",
    tenant: "default",
    auth: "optional",
    listeners: ["infra/gw/http"],
  });
  expect(value["listeners"]).toEqual({ "infra/gw/http": { publicPort: 80 } });
});

describe("a rule of a route that leads to model servers", () => {
  const pool = `
apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {name: llama}
spec: {selector: {matchLabels: {app: llama}}, targetPorts: [{number: 8000}], endpointPickerRef: {name: picker, port: {number: 9002}}}
`;
  const toPool = "{group: inference.networking.k8s.io, kind: InferencePool, name: llama}";

  test("goes to the pool, and a Service beside it is a model server too", () => {
    const { routes, value } = translated(
      manifests(
        openGateway,
        pool,
        service("shop"),
        route("r", `rules: [{backendRefs: [${toPool}, {name: shop, port: 80}]}, {${toShop}}]`),
      ),
      "folder",
      { backends },
    );
    expect(routes["default/r"]?.["rules"]).toEqual([
      {
        match: any,
        to: [
          { pool: "default/llama", weight: 1 },
          { pool: "default/shop:80", weight: 1 },
        ],
      },
      { match: any, to },
    ]);
    expect(value["pools"]).toMatchObject({
      "default/shop:80": { engine: "openai-compatible", endpoints: ["http://127.0.0.1:9000"], pick: "round-robin" },
    });
    expect(Object.keys(value["services"] as object)).toEqual(["default/shop:80"]);
  });

  test("is of an AI route as soon as an AI policy names it; one of its Gateway leaves ordinary services what they are", () => {
    const policy = (target: string, namespace = "default") => `
apiVersion: kuadrant.io/v1alpha1
kind: TokenRateLimitPolicy
metadata: {name: tokens, namespace: ${namespace}}
spec: {targetRef: {group: gateway.networking.k8s.io, ${target}}, limits: {all: {rates: [{limit: 100, window: 1m}]}}}
`;
    const rulesWith = (text: string) =>
      translated(manifests(openGateway, service("shop"), route("r", `rules: [{${toShop}}]`), text), "folder", {
        backends,
      }).routes["default/r"]?.["rules"];
    const asModels = [{ match: any, to: [{ pool: "default/shop:80", weight: 1 }] }];
    expect(rulesWith(policy("kind: HTTPRoute, name: r"))).toEqual(asModels);
    expect(rulesWith(policy("kind: Gateway, name: gw", "infra"))).toEqual([{ match: any, to }]);
    expect(rulesWith(policy("kind: HTTPRoute, name: other"))).toEqual([{ match: any, to }]);
  });
});
