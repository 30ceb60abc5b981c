import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Service, startEcho, startService } from "../services/services-scene.ts";
import { manifests, openGateway, route, service, startManifestsScene } from "./manifests-scene.ts";

let v1: Service;
let v2: Service;
beforeAll(async () => {
  [v1, v2] = await Promise.all([startEcho("v1"), startEcho("v2")]);
});
afterAll(() => Promise.all([v1.close(), v2.close()]));

const start = (...documents: readonly string[]) =>
  startManifestsScene(manifests(openGateway, service("v1"), service("v2"), ...documents), {
    "v1.default": v1.url,
    "v2.default": v2.url,
  });

const to = (name: string) => `backendRefs: [{name: ${name}, port: 80}]`;

/* As in gateway-api, conformance/tests: httproute-matching, -path-match-order, -header-matching, -method-matching, -query-param-matching. */
describe("a request finds the rule that says most about it", () => {
  test.for([
    ["/", {}, "v1"],
    ["/v2", {}, "v2"],
    ["/v2/deeper", {}, "v2"],
    ["/v2example", {}, "v1"],
    ["/", { version: "two" }, "v2"],
    ["/exact", {}, "v2"],
    ["/exact/deeper", {}, "v1"],
    ["/?animal=whale", {}, "v2"],
    ["/?ANIMAL=whale", {}, "v1"],
    ["/?animal=whale&animal=dolphin", {}, "v2"],
  ] as const)("%s with %o goes to %s", async ([path, headers, expected]) => {
    const { ask } = await start(
      route(
        "all",
        `rules: [
          {${to("v1")}},
          {matches: [{path: {value: /v2}}, {headers: [{name: Version, value: two}]}, {path: {type: Exact, value: /exact}},
                     {queryParams: [{name: animal, value: whale}]}], ${to("v2")}}]`,
      ),
    );
    expect((await ask(path, { host: "any.example.com", headers })).echoed().name).toBe(expected);
  });
});

/* gateway-api, conformance/tests: httproute-listener-hostname-matching, gateway-http-listener-isolation. */
test("a host belongs to the nearest listener of its port, and to no other", async () => {
  const listener = (name: string, host?: string) =>
    `{name: ${name}, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}${host === undefined ? "" : `, hostname: "${host}"`}}`;
  const gateway = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: isolated, namespace: infra}
spec:
  gatewayClassName: sallyport
  listeners: [${[listener("any"), listener("wild", "*.example.com"), listener("deep", "*.foo.example.com"), listener("exact", "abc.foo.example.com")].join(", ")}]
`;
  const routes = ["any", "wild", "deep", "exact"].map((name) =>
    route(
      name,
      `rules: [{matches: [{path: {value: /${name}}}], ${to("v1")}}]`,
      `{name: isolated, namespace: infra, sectionName: ${name}}`,
    ),
  );
  const { ask } = await start(gateway, ...routes);
  const hosts = { any: "bar.com", wild: "bar.example.com", deep: "bar.foo.example.com", exact: "abc.foo.example.com" };
  for (const [own, host] of Object.entries(hosts))
    for (const path of Object.keys(hosts))
      expect([host, path, (await ask(`/${path}`, { host })).status]).toEqual([host, path, own === path ? 200 : 404]);
});

/* gateway-api, conformance/tests: httproute-hostname-intersection. */
test.for([
  ["very.specific.com", "/s1", 200],
  ["non.matching.com", "/s1", 404],
  ["foo.nonmatchingwildcard.io", "/s1", 404],
  ["foo.bar.wildcard.io", "/s2", 200],
  ["wildcard.io", "/s2", 404],
  ["very.specific.com", "/s3", 200],
  ["foo.specific.com", "/s3", 404],
  ["one.anotherwildcard.io", "/s4", 200],
  ["anotherwildcard.io", "/s4", 404],
] as const)(
  "a route is served for the hosts that it and its listener have in common: %s%s is %d",
  async ([host, path, status]) => {
    const gateway = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: hosts}
spec:
  gatewayClassName: sallyport
  listeners:
    - {name: one, port: 80, protocol: HTTP, hostname: very.specific.com}
    - {name: two, port: 80, protocol: HTTP, hostname: "*.wildcard.io"}
    - {name: three, port: 80, protocol: HTTP, hostname: "*.anotherwildcard.io"}
`;
    const on = (name: string, hosts: string) =>
      route(
        name,
        `hostnames: [${hosts}], rules: [{matches: [{path: {value: /${name}}}], ${to("v1")}}]`,
        "{name: hosts}",
      );
    const { ask } = await start(
      gateway,
      on("s1", 'non.matching.com, "*.nonmatchingwildcard.io", very.specific.com'),
      on("s2", "non.matching.com, wildcard.io, foo.wildcard.io, bar.wildcard.io, foo.bar.wildcard.io"),
      on("s3", 'non.matching.com, "*.specific.com"'),
      on("s4", 'anotherwildcard.io, "*.anotherwildcard.io"'),
    );
    expect((await ask(path, { host })).status).toBe(status);
  },
);

describe("filters", () => {
  const one = async (inner: string, matches = "{path: {value: /}}") =>
    start(route("one", `rules: [{matches: [${matches}], ${inner}}]`));

  test("edit headers, of requests and answers, first for the rule and then for the backend", async () => {
    const { ask } = await one(`filters: [
      {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-Set, value: rule}], add: [{name: x-add, value: more}], remove: [X-Gone]}},
      {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-answer, value: "yes"}], remove: [content-type]}}],
      backendRefs: [{name: v1, port: 80, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-set, value: backend}]}}]}]`);
    const answer = await ask("/", {
      host: "a.example.com",
      headers: { "x-set": "caller", "x-add": "some", "x-gone": "1" },
    });
    expect(answer.echoed().headers).toMatchObject({
      "x-set": "backend",
      "x-add": expect.stringMatching(/some, ?more/),
    });
    expect(answer.echoed().headers).not.toHaveProperty("x-gone");
    expect(answer.headers).toMatchObject({ "x-answer": "yes" });
    expect(answer.headers).not.toHaveProperty("content-type");
  });

  /* gateway-api, apis/v1: the table of HTTPPathModifier.replacePrefixMatch. */
  test.for([
    ["/foo/bar", "/foo", "/xyz", "/xyz/bar"],
    ["/foo/bar", "/foo", "/xyz/", "/xyz/bar"],
    ["/foo/bar", "/foo/", "/xyz", "/xyz/bar"],
    ["/foo/bar", "/foo/", "/xyz/", "/xyz/bar"],
    ["/foo", "/foo", "/xyz", "/xyz"],
    ["/foo/", "/foo", "/xyz", "/xyz/"],
    ["/foo/bar", "/foo", "", "/bar"],
    ["/foo/", "/foo", "", "/"],
    ["/foo", "/foo", "", "/"],
    ["/foo/", "/foo", "/", "/"],
    ["/foo", "/foo", "/", "/"],
  ] as const)("replace a prefix: %s, %s by %j, is %s", async ([asked, prefix, by, becomes]) => {
    const { ask } = await one(
      `filters: [{type: URLRewrite, urlRewrite: {hostname: shop.internal, path: {type: ReplacePrefixMatch, replacePrefixMatch: "${by}"}}}], ${to("v1")}`,
      `{path: {value: ${prefix}}}`,
    );
    const echoed = (await ask(`${asked}?q=1`, { host: "a.example.com" })).echoed();
    expect([echoed.url, echoed.headers["host"]]).toEqual([`${becomes}?q=1`, "shop.internal"]);
  });

  test("replace a whole path", async () => {
    const { ask } = await one(
      `filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /one}}}], ${to("v1")}`,
    );
    expect((await ask("/a/b?q=1", { host: "a.example.com" })).echoed().url).toBe("/one?q=1");
  });

  /* gateway-api, conformance/tests: httproute-redirect-*; the Gateway's port is 80. */
  test.for([
    ["{}", "http://a.example.com/x?q=1", 302],
    ["{statusCode: 301, hostname: b.example.com}", "http://b.example.com/x?q=1", 301],
    ["{scheme: https}", "https://a.example.com/x?q=1", 302],
    ["{scheme: https, port: 443, statusCode: 308}", "https://a.example.com/x?q=1", 308],
    ["{port: 8083, statusCode: 303}", "http://a.example.com:8083/x?q=1", 303],
    ["{scheme: https, port: 8443, statusCode: 307}", "https://a.example.com:8443/x?q=1", 307],
    ["{path: {type: ReplaceFullPath, replaceFullPath: /y}}", "http://a.example.com/y?q=1", 302],
    ["{path: {type: ReplacePrefixMatch, replacePrefixMatch: /z}}", "http://a.example.com/z/x?q=1", 302],
  ] as const)("redirect by %s to %s", async ([redirect, location, status]) => {
    const { ask } = await one(`filters: [{type: RequestRedirect, requestRedirect: ${redirect}}]`);
    const answer = await ask("/x?q=1", { host: "a.example.com" });
    expect([answer.status, answer.headers.location]).toEqual([status, location]);
  });

  test("mirror to each service, with the edits, and leave out one that is not there", async () => {
    const before = v2.seen.length;
    const { ask, built } = await one(`filters: [
      {type: RequestMirror, requestMirror: {backendRef: {name: v2, port: 80}}},
      {type: RequestMirror, requestMirror: {backendRef: {name: nobody, port: 80}}},
      {type: RequestMirror, requestMirror: {backendRef: {name: v2, port: 80}, fraction: {numerator: 0}}},
      {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-edit, value: "1"}]}}], ${to("v1")}`);
    expect((await ask("/m", { host: "a.example.com" })).echoed().name).toBe("v1");
    await expect.poll(() => v2.seen.length, { timeout: 20_000 }).toBe(before + 1);
    expect(v2.seen.at(-1)?.headers["x-edit"]).toBe("1");
    expect(built.translation.warnings.map(({ message }) => message)).toEqual([
      "there is no Service nobody in namespace default",
    ]);
  });

  test("answer preflights", async () => {
    const { ask } = await one(
      `filters: [{type: CORS, cors: {allowOrigins: ["https://*.Example.com"], allowMethods: [GET, PUT], allowHeaders: [x-a], exposeHeaders: [x-b, "*"], allowCredentials: true, maxAge: 60}}], ${to("v1")}`,
    );
    const headers = { origin: "https://page.example.com", "access-control-request-method": "PUT" };
    const answer = await ask("/", { method: "OPTIONS", host: "a.example.com", headers });
    expect(answer.headers).toMatchObject({
      "access-control-allow-origin": "https://page.example.com",
      "access-control-allow-credentials": "true",
      "access-control-max-age": "60",
      "access-control-allow-methods": "GET, PUT",
    });
  });
});

test("weights are shares, and what leads nowhere is 500 for its share alone", async () => {
  const { ask } = await start(
    route(
      "one",
      "rules: [{backendRefs: [{name: v1, port: 80, weight: 7}, {name: v2, port: 80, weight: 2}, {name: nobody, port: 80}, {name: v2, port: 80, weight: 0}]}]",
    ),
  );
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask("/", { host: "a.example.com" })));
  const names = answers.map((answer) => (answer.status === 200 ? answer.echoed().name : String(answer.status)));
  const count = (name: string) => names.filter((each) => each === name).length;
  // Shares begin anywhere: a hundred of them may be one more or less.
  for (const [name, share] of Object.entries({ "500": 10, v1: 70, v2: 20 }))
    expect(Math.abs(count(name) - share)).toBeLessThan(3);
  expect(count("500") + count("v1") + count("v2")).toBe(100);
});

test("a time that is over is 504; 0s is none", async () => {
  const slow = await startService((_req, res) => void setTimeout(() => res.end("late"), 150));
  onTestFinished(() => slow.close());
  const rules = ["{request: 20ms}", "{request: 10s, backendRequest: 20ms}", "{request: 0s, backendRequest: 0ms}"].map(
    (timeouts, index) => `{matches: [{path: {value: /${index}}}], ${to("slow")}, timeouts: ${timeouts}}`,
  );
  const { ask } = await startManifestsScene(
    manifests(openGateway, service("slow"), route("one", `rules: [${rules.join(", ")}]`)),
    {
      "slow.default": slow.url,
    },
  );
  const status = async (path: string) => (await ask(path, { host: "a.example.com" })).status;
  expect([await status("/0"), await status("/1"), await status("/2")]).toEqual([504, 504, 200]);
});

describe("a Service is where its slices say", () => {
  const slice = (name: string, of: string, port: string, endpoints: string) => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}, namespace: default, labels: {kubernetes.io/service-name: ${of}}}
addressType: IPv4
ports: [${port}]
endpoints: [${endpoints}]
`;

  test("at the port that they name as it does, at each address that is ready", async () => {
    const ready = `{addresses: [127.0.0.1]}, {addresses: [192.0.2.1], conditions: {ready: false}}`;
    const { ask, built } = await startManifestsScene(
      manifests(
        openGateway,
        service("v1"),
        slice("a", "v1", `{name: other, port: 1}, {name: web, port: ${v1.port}}`, ready),
        slice("b", "v1", `{name: web, port: ${v1.port}}`, "{addresses: [127.0.0.1], conditions: {ready: true}}"),
        slice("c", "other", "{name: web, port: 1}", "{addresses: [192.0.2.2]}"),
        route("one", `rules: [{${to("v1")}}]`),
      ),
    );
    expect(built.read.config?.services).toMatchObject({
      "default/v1:80": { endpoints: [`http://127.0.0.1:${v1.port}`] },
    });
    expect(built.translation.warnings).toEqual([]);
    expect((await ask("/", { host: "a.example.com" })).echoed().name).toBe("v1");
  });

  test("and answers 503 as long as none is ready", async () => {
    const { ask } = await startManifestsScene(
      manifests(
        openGateway,
        service("v1"),
        slice("a", "v1", "{name: web, port: 1}", ""),
        route("one", `rules: [{${to("v1")}}]`),
      ),
    );
    expect((await ask("/", { host: "a.example.com" })).status).toBe(503);
  });
});

test("a route asks for a credential where it, or its Gateway, is annotated so; its namespace is the tenant", async () => {
  const guarded = route("guarded", `hostnames: [b.example.com], rules: [{${to("v1")}}]`).replace(
    "name: guarded",
    "name: guarded, annotations: {sallyport.dev/auth: required}",
  );
  const { ask, built } = await start(route("open", `hostnames: [a.example.com], rules: [{${to("v1")}}]`), guarded);
  expect((await ask("/", { host: "a.example.com" })).status).toBe(200);
  expect((await ask("/", { host: "b.example.com" })).status).toBe(401);
  expect(built.read.config?.routes).toMatchObject({
    "default/open": { auth: "optional", tenant: "default" },
    "default/guarded": { auth: "required" },
  });
});

test("without its Gateway in the folder a route is served all the same", async () => {
  const { ask, built } = await startManifestsScene(
    manifests(
      service("v1"),
      route("one", `hostnames: [a.example.com], rules: [{${to("v1")}}]`, "{name: main-gateway}"),
    ),
    { "v1.default": v1.url },
  );
  expect((await ask("/", { host: "a.example.com" })).echoed().name).toBe("v1");
  expect(built.translation.warnings.map(({ message }) => message)).toEqual([
    "there is no Gateway main-gateway in namespace default here: the route is served on the port of `listen`",
  ]);
});

describe("what is wrong with a backend concerns its share alone", () => {
  test.for([
    ["no backend at all", "rules: [{matches: [{path: {value: /}}]}]", 500],
    ["a Service that is not here", "rules: [{backendRefs: [{name: nobody, port: 80}]}]", 500],
    ["a port that the Service has not", "rules: [{backendRefs: [{name: dark, port: 81}]}]", 500],
    ["a kind that is not known", "rules: [{backendRefs: [{group: example.com, kind: Thing, name: it}]}]", 500],
    ["another namespace without a grant", "rules: [{backendRefs: [{name: far, namespace: other, port: 80}]}]", 500],
    ["a Service of which nothing says where it is", "rules: [{backendRefs: [{name: dark, port: 80}]}]", 503],
    ["a weight of nothing", "rules: [{backendRefs: [{name: v1, port: 80, weight: 0}]}]", 500],
    [
      "a filter that nobody knows",
      `rules: [{filters: [{type: ExtensionRef, extensionRef: {group: example.com, kind: F, name: f}}], ${to("v1")}}]`,
      500,
    ],
  ] as const)("%s", async ([, spec, status]) => {
    const { ask } = await start(route("one", spec), service("dark"), service("far", "other"));
    expect((await ask("/", { host: "any.example.com" })).status).toBe(status);
  });
});
