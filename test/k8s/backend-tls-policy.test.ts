import { beforeEach, describe, expect, test } from "vitest";
import { a2aAgent } from "../../src/k8s/kinds/a2a-agent.ts";
import { backendTlsPolicy } from "../../src/k8s/kinds/backend-tls-policy.ts";
import { endpointSlice, service } from "../../src/k8s/kinds/core.ts";
import { httpRoute } from "../../src/k8s/kinds/http-route.ts";
import { inferencePool } from "../../src/k8s/kinds/inference-pool.ts";
import { mcpServer } from "../../src/k8s/kinds/mcp-server.ts";
import { trafficPolicy } from "../../src/k8s/kinds/traffic-policy.ts";
import { meaningOf, sample } from "./objects-from.ts";
import { eventually } from "../e2e/eventually.ts";
import { applyShop, startReplica, startShop } from "./api/cluster-scene.ts";
import { type ApiServer, startApiServer } from "./api-server/api-server.ts";
import { gw, route as routeTo, target } from "./policy-input.ts";

const validation = { hostname: "shop.example.com", wellKnownCACertificates: "System" };
const tls = (target: object = {}, more: object = {}) =>
  sample(
    backendTlsPolicy,
    { targetRefs: [{ group: "", kind: "Service", name: "m", ...target }], validation, ...more },
    { name: "secure", namespace: "default" },
  );
const ports = [
  { name: "web", port: 80 },
  { name: "other", port: 81 },
];
const m = sample(service, { ports }, { name: "m", namespace: "default" });
const slice = sample(
  endpointSlice,
  { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.7"] }], ports: [{ name: "web", port: 8080 }] },
  { name: "m-1", namespace: "default", labels: { "kubernetes.io/service-name": "m" } },
);
const meaning = (...objects: readonly object[]) => meaningOf([gw(), routeTo("a"), m, slice, ...objects]);
const ended = (meant: ReturnType<typeof meaning>) => {
  const [served] = meant.at("routes", "default/a") as readonly {
    readonly rules: readonly { readonly to: unknown }[];
  }[];
  return served?.rules.map(({ to }) => to);
};

describe("a BackendTLSPolicy", () => {
  test("closes the Service that it is for, and says why there and at the route", () => {
    const meant = meaning(tls());
    const why = {
      unresolved: expect.stringContaining("BackendTLSPolicy secure asks for TLS to Service default/m") as string,
    };
    expect(ended(meant)).toEqual([[expect.objectContaining(why)], [expect.objectContaining(why)]]);
    expect(meant.at("services", "default/m:80")).toEqual([]);
    expect(meant.problems).toEqual([expect.stringMatching(/^spec\.validation: .*does not speak TLS to backends yet/)]);
    expect(meant.statusOf("BackendTLSPolicy", "secure")).toMatchObject({
      ancestors: [
        {
          ancestorRef: { group: "gateway.networking.k8s.io", kind: "Gateway", name: "gw" },
          controllerName: "sallyport.dev/gateway",
          conditions: [{ type: "Accepted", status: "False", reason: "Invalid" }],
        },
      ],
    });
    expect(meant.statusOf("HTTPRoute", "a")).toMatchObject({
      parents: [
        {
          conditions: expect.arrayContaining([
            expect.objectContaining({ type: "ResolvedRefs", status: "False", reason: "UnsupportedProtocol" }),
          ]) as unknown,
        },
      ],
    });
  });

  test("is for one port where it names one, for its own namespace, and for its own kind", () => {
    const isOpen = (...objects: readonly object[]) => meaning(...objects).at("services", "default/m:80").length === 1;
    expect(isOpen(tls({ sectionName: "web" }))).toBe(false);
    expect(isOpen(tls({ sectionName: "other" }))).toBe(true);
    expect(isOpen(tls({ name: "n" }))).toBe(true);
    expect(isOpen(tls({ group: "inference.networking.k8s.io", kind: "InferencePool" }))).toBe(true);
    const elsewhere = sample(
      backendTlsPolicy,
      { targetRefs: [{ group: "", kind: "Service", name: "m" }], validation },
      { namespace: "other" },
    );
    expect(isOpen(elsewhere)).toBe(true);
  });

  test("that cannot be read closes its targets all the same", () => {
    const broken = sample(
      backendTlsPolicy,
      { targetRefs: [{ group: "", kind: "Service", name: "m", namespace: "typo" }], validation },
      { name: "broken", namespace: "default" },
    );
    expect(meaning(broken).at("services", "default/m:80")).toEqual([]);
    const many = { namespace: undefined, kind: backendTlsPolicy };
    const unknown = meaningOf([gw(), routeTo("a"), m, slice], { source: "cluster", unknown: [many] });
    expect(unknown.at("services", "default/m:80")).toEqual([]);
  });

  test("closes pools, and servers of tools that name the Service, too", () => {
    const pool = sample(
      inferencePool,
      { selector: { matchLabels: { app: "x" } }, targetPorts: [{ number: 8000 }] },
      { name: "llama", namespace: "default" },
    );
    const ref = { group: "inference.networking.k8s.io", kind: "InferencePool", name: "llama" };
    const chat = sample(
      httpRoute,
      { parentRefs: [{ name: "gw" }], rules: [{ backendRefs: [ref] }] },
      { name: "chat", namespace: "default" },
    );
    const toOf = (...objects: readonly object[]) =>
      meaning(pool, chat, ...objects)
        .at("routes", "default/chat")
        .flatMap((each) => (each as { rules: readonly { to: readonly object[] }[] }).rules.flatMap(({ to }) => to));
    expect(toOf()).toEqual([expect.objectContaining({ pool: "default/llama" })]);
    expect(toOf(tls(ref))).toEqual([
      expect.objectContaining({ unresolved: expect.stringContaining("InferencePool default/llama") as string }),
    ]);
    const server = sample(mcpServer, { service: { name: "m", port: 80 } }, { name: "s", namespace: "default" });
    const closed = meaning(server, tls());
    expect(closed.at("mcp", "servers", "default/s")).toEqual([]);
    expect(closed.problems).toEqual(expect.arrayContaining([expect.stringMatching(/^spec\.service: .*asks for TLS/)]));
  });

  const addresses = sample(service, { clusterIP: "10.96.0.9", ports }, { name: "m", namespace: "default" });
  test.for([
    ["http://m.default.svc/mcp", true],
    ["http://M.default.svc.cluster.local.:80/mcp", true],
    ["http://m.default:80/mcp", true],
    ["http://10.96.0.9/mcp", true],
    ["http://m.default.svc:81/mcp", false],
    /* Of a Service without an address of its own any port is one of its pods'. */
    ["http://m.default.svc:8443/mcp", true],
    ["https://m.default.svc/mcp", false],
    ["http://other.default.svc/mcp", false],
  ] as const)("closes what names the Service by url: %s", ([url, closed]) => {
    const server = sample(mcpServer, { url }, { name: "s", namespace: "default" });
    const policy = tls({ sectionName: "web" });
    const agent = sample(
      a2aAgent,
      { url: "https://agents.example.com/", card: url },
      { name: "w", namespace: "default" },
    );
    for (const options of [{}, { backends: new Map([["m.default", ["https://127.0.0.1:9"]]]) }]) {
      const meant = meaningOf([gw(), routeTo("a"), addresses, slice, policy, server, agent], options);
      expect(meant.at("mcp", "servers", "default/s")).toHaveLength(closed ? 0 : 1);
      expect(meant.at("a2a", "agents", "default/w")).toHaveLength(closed ? 0 : 1);
      const said = meant.problems.filter((problem) => /^spec\.(?:url|card): .*asks for TLS/.test(problem));
      expect(said).toHaveLength(closed ? 2 : 0);
    }
  });

  test("closes what a guard that asks such a Service is for", () => {
    const endpoint = { host: "m.default.svc", port: 80 };
    const guard = sample(
      trafficPolicy,
      { targetRefs: [target("HTTPRoute", "a")], ai: { promptGuard: { request: { webhook: { endpoint } } } } },
      { name: "guard", namespace: "default" },
    );
    const meant = meaning(tls(), guard);
    expect(meant.problems).toEqual(
      expect.arrayContaining([expect.stringMatching(/^spec\.ai\.promptGuard\.request\.webhook.*asks for TLS/)]),
    );
    expect(JSON.stringify(meant.at("guardrails"))).not.toContain("webhook");
  });

  test("is passed over, with a word of it, where --backend says where each of its targets is", () => {
    const backends = new Map([["m.default", ["https://127.0.0.1:9"]]]);
    const meant = meaningOf([gw(), routeTo("a"), m, slice, tls()], { backends });
    expect(meant.problems).toEqual([]);
    expect(meant.warnings).toEqual([expect.stringMatching(/^spec\.validation: .*passed over/)]);
    expect(meant.at("services", "default/m:80")).toEqual([{ endpoints: ["https://127.0.0.1:9"] }]);
    expect(meant.statusOf("BackendTLSPolicy", "secure")).toMatchObject({
      ancestors: [{ conditions: [{ type: "Accepted", status: "False", reason: "Invalid" }] }],
    });
    const two = sample(
      backendTlsPolicy,
      { targetRefs: ["m", "n"].map((name) => ({ group: "", kind: "Service", name })), validation },
      { name: "secure", namespace: "default" },
    );
    expect(meaningOf([gw(), routeTo("a"), m, slice, two], { backends }).problems).toHaveLength(1);
  });
});

describe("in a cluster", () => {
  let server: ApiServer;
  beforeEach(async () => {
    server = await startApiServer();
    return () => server.stop().catch(() => undefined);
  });

  test("nothing of a request reaches such a backend, until the policy has gone", async () => {
    applyShop(server, await startShop("plain"));
    server.apply({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "BackendTLSPolicy",
      metadata: { name: "secure", namespace: "default" },
      spec: { targetRefs: [{ group: "", kind: "Service", name: "shop" }], validation },
    });
    const replica = await startReplica(server);
    expect((await replica.ask("/shop")).status).toBe(500);
    await eventually(() =>
      expect(server.get("BackendTLSPolicy", "default", "secure")["status"]).toMatchObject({
        ancestors: [{ conditions: [{ type: "Accepted", status: "False", reason: "Invalid" }] }],
      }),
    );
    server.delete("BackendTLSPolicy", "default", "secure");
    await eventually(async () => expect((await replica.ask("/shop")).status).toBe(200));
  });
});
