import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { eventually } from "../e2e/eventually.ts";
import { type Answer, type AskOptions, type Service, startEcho } from "../services/services-scene.ts";
import { startReplica } from "./api/cluster-scene.ts";
import { startApiServer } from "./api-server/api-server.ts";
import { ownAddress } from "./own-address.ts";
import { baseConfig, manifests, startManifestsScene } from "./manifests-scene.ts";

let tools: Service;
let victim: Service;
let stranger: Service;
beforeAll(async () => {
  const host = ownAddress();
  [tools, victim, stranger] = await Promise.all([
    startEcho("tools"),
    startEcho("victim", host),
    startEcho("stranger", host),
  ]);
});
afterAll(() => Promise.all([tools.close(), victim.close(), stranger.close()]));

const GROUP = "gateway.networking.k8s.io";
const gateway = (namespace: string, day: number, name: string, ...hostnames: readonly (string | undefined)[]) => `
apiVersion: ${GROUP}/v1
kind: Gateway
metadata: {name: ${name}, namespace: ${namespace}, creationTimestamp: "2026-11-0${day}T00:00:00Z"}
spec:
  gatewayClassName: sallyport
  listeners: [${hostnames.map((host, index) => `{name: l${index}, port: 80, protocol: HTTP${host === undefined ? "" : `, hostname: "${host}"`}}`).join(", ")}]
`;
const route = (
  namespace: string,
  name: string,
  parent: string,
  hostnames = "",
  annotations = "{}",
  home = namespace,
) => `
apiVersion: ${GROUP}/v1
kind: HTTPRoute
metadata: {name: ${name}, namespace: ${namespace}, annotations: ${annotations}}
spec: {parentRefs: [{name: ${parent}, namespace: ${home}}]${hostnames}, rules: [{backendRefs: [{name: web, port: 80}]}]}
`;
const service = (namespace: string) => `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: ${namespace}}
spec: {ports: [{name: web, port: 80, targetPort: 8080}]}
`;
const gatewayClass = `
apiVersion: ${GROUP}/v1
kind: GatewayClass
metadata: {name: sallyport}
spec: {controllerName: sallyport.dev/gateway}
`;

/** A shop that asks for credentials, on a Gateway of its own without a hostname. */
const shop = [
  gatewayClass,
  gateway("shop", 1, "gw", undefined),
  route("shop", "shop", "gw", ", hostnames: [shop.example.com]", "{sallyport.dev/auth: required}"),
  service("shop"),
  service("stranger"),
];

/** Where the pods of a namespace's Service are. */
const endpoints = (namespace: string, { port }: Service) => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: "web-1", namespace, labels: { "kubernetes.io/service-name": "web" } },
  addressType: "IPv4",
  endpoints: [{ addresses: [ownAddress()], conditions: { ready: true } }],
  ports: [{ name: "web", port, protocol: "TCP" }],
});

/** What a namespace can put up against it, and against the gateway itself, and whether that is refused. */
const attacks: readonly (readonly [what: string, refused: boolean, documents: readonly string[]])[] = [
  [
    "a Gateway for the gateway's host",
    true,
    [gateway("stranger", 2, "gw", "gw.example.com"), route("stranger", "r", "gw")],
  ],
  [
    "a Gateway for another host that it is called by",
    true,
    [gateway("stranger", 2, "gw", "one.pods.test"), route("stranger", "r", "gw")],
  ],
  [
    "a Gateway for all hosts around",
    true,
    [gateway("stranger", 2, "gw", "*.example.com"), route("stranger", "r", "gw")],
  ],
  ["a Gateway for any host", true, [gateway("stranger", 2, "gw", undefined), route("stranger", "r", "gw")]],
  [
    "a Gateway for the shop's host",
    true,
    [gateway("stranger", 2, "gw", "shop.example.com"), route("stranger", "r", "gw")],
  ],
  [
    "a route with the gateway's host",
    true,
    [gateway("stranger", 2, "gw", "stranger.test"), route("stranger", "r", "gw", ", hostnames: [gw.example.com]")],
  ],
  [
    "hosts and routes of its own, with the gateway's paths",
    false,
    [gateway("stranger", 2, "gw", "stranger.test", "*.test"), route("stranger", "r", "gw")],
  ],
];

const base = () => `${baseConfig.replace("listen: {", "listen: {allowedHosts: ['*.pods.test'], ")}
publicUrl: http://gw.example.com
auth: {embedded: true}
mcp: {servers: {tools: {url: "${tools.url}/mcp"}}, routes: {/mcp: {servers: [tools]}}}
models: {m: {provider: openai, key: k, url: "${tools.url}"}}
`;
const platform = "kubernetes: {platformNamespaces: [infra]}\n";

type Ask = (path: string, options?: AskOptions) => Promise<Answer>;

/** What the gateway answers under a host of its own, and what the shop answers without a credential. */
async function seen(ask: Ask, host: string) {
  const post = async (path: string) =>
    (await ask(path, { host, method: "POST", body: "{}", headers: { "content-type": "application/json" } })).status;
  return {
    token: await post("/oauth/token"),
    mcp: await post("/mcp"),
    models: await post("/v1/chat/completions"),
    metadata: (await ask("/.well-known/oauth-authorization-server", { host })).status,
    shop: (await ask("/", { host: "shop.example.com" })).status,
  };
}
const asEver = { token: 400, mcp: 401, models: 401, metadata: 200, shop: 401 };

async function expectAsEver(ask: Ask): Promise<void> {
  for (const host of ["gw.example.com", "GW.example.com:80", "one.pods.test", "localhost"])
    expect([host, await seen(ask, host)]).toEqual([host, asEver]);
  expect(stranger.seen).toEqual([]);
}

describe("of a folder", () => {
  const start = (more: string) =>
    startManifestsScene(manifests(...shop), { "web.shop": victim.url, "web.stranger": stranger.url }, base() + more);

  test.for(attacks)("%s takes nothing of the gateway nor of a neighbour", async ([, refused, documents]) => {
    const { ask, reload } = await start(platform);
    await expectAsEver(ask);
    const done = reload(manifests(...shop, ...documents));
    if (refused)
      await expect(done).rejects.toThrow(/spec\.(listeners|parentRefs)\[0\].* (is for Gateways of|is a host of)/);
    else await done;
    await expectAsEver(ask);
  });

  test("a route at a Gateway for all takes no host of a neighbour's Gateway, nor paths that the gateway leaves for a while", async () => {
    const { ask, reload } = await start(platform);
    const before = [
      gatewayClass,
      gateway("infra", 1, "main", undefined).replace(
        "protocol: HTTP",
        "protocol: HTTP, allowedRoutes: {namespaces: {from: All}}",
      ),
      gateway("shop", 2, "gw", "shop.example.com"),
      route("shop", "shop", "gw"),
      service("shop"),
      service("stranger"),
    ];
    await reload(manifests(...before));
    const of = async (host: string, path = "/") => {
      const answer = await ask(path, { host });
      return answer.status === 200 ? answer.echoed().name : answer.status;
    };
    expect(await of("shop.example.com")).toBe("victim");
    const taking = (hostnames: string) =>
      manifests(...before, route("stranger", "r", "main", hostnames, "{}", "infra"));
    await expect(reload(taking(", hostnames: [shop.example.com]"))).rejects.toThrow(
      "shop.example.com on port 80 is for Gateways of namespace shop",
    );
    expect(await of("shop.example.com")).toBe("victim");
    await reload(taking(", hostnames: ['*.com']"));
    expect([await of("shop.example.com"), await of("other.com")]).toEqual(["victim", "stranger"]);
    await reload(taking(""));
    expect([await of("shop.example.com"), await of("gw.example.com")]).toEqual(["victim", "stranger"]);
    expect([await of("gw.example.com", "/mcp/shop/orders"), await of("gw.example.com", "/a2a/shop/w")]).toEqual([
      404, 404,
    ]);
    stranger.seen.length = 0;
  });

  test("all namespaces are the platform's if none is named: they may take the gateway's host, but not its sign-in", async () => {
    const { ask, reload } = await start("");
    const taking = [
      gateway("shop", 2, "more", "gw.example.com"),
      route("shop", "r", "more", ", hostnames: [gw.example.com]"),
    ];
    await reload(manifests(...shop, ...taking));
    expect(await seen(ask, "gw.example.com")).toEqual({ ...asEver, mcp: 200, models: 200 });
    expect((await ask("/", { host: "gw.example.com" })).echoed().name).toBe("victim");
  });
});

test("of a cluster, nothing that a namespace puts up takes anything of the gateway nor of a neighbour", async () => {
  const server = await startApiServer();
  try {
    const apply = (documents: readonly string[]) => {
      for (const text of documents) server.apply(parse(text));
    };
    apply(shop);
    server.apply(endpoints("shop", victim));
    server.apply(endpoints("stranger", stranger));
    const replica = await startReplica(server, { base: base() + platform });
    await expectAsEver(replica.ask);
    /* An API server tells ages in whole seconds, and of the same age a listener comes before a route. */
    await setTimeout(1_000);
    for (const [index, [what, refused, documents]] of attacks.entries()) {
      const named = documents.map((text) =>
        text.replaceAll("name: gw", `name: gw${index}`).replace("name: r,", `name: r${index},`),
      );
      apply(named);
      await eventually(() => {
        const status = server.get("Gateway", "stranger", `gw${index}`)?.["status"] as
          | { listeners?: unknown[] }
          | undefined;
        expect([what, (status?.listeners ?? []).length > 0]).toEqual([what, true]);
      });
      await replica.cluster.idle();
      const found = JSON.stringify([
        server.get("Gateway", "stranger", `gw${index}`),
        server.get("HTTPRoute", "stranger", `r${index}`),
      ]);
      expect([what, found.includes("HostnameConflict")]).toEqual([what, refused]);
      await expectAsEver(replica.ask);
    }
    expect((await replica.ask("/v1/models", { host: "stranger.test" })).echoed().name).toBe("stranger");
    stranger.seen.length = 0;
  } finally {
    await server.stop();
  }
});
