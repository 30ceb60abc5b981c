import { describe, expect, test } from "vitest";
import { a2aAgent } from "../../src/k8s/kinds/a2a-agent.ts";
import { endpointSlice, pod, service } from "../../src/k8s/kinds/core.ts";
import { inferencePool } from "../../src/k8s/kinds/inference-pool.ts";
import { mcpServer } from "../../src/k8s/kinds/mcp-server.ts";
import { referenceGrant } from "../../src/k8s/kinds/reference-grant.ts";
import { trafficPolicy } from "../../src/k8s/kinds/traffic-policy.ts";
import type { TranslateOptions } from "../../src/k8s/options.ts";
import { meaningOf, sample } from "./objects-from.ts";
import { backends, gw, route, target } from "./policy-input.ts";

const cluster: Partial<TranslateOptions> = {
  source: "cluster",
  platformNamespaces: ["sallyport"],
  base: { publicUrl: "https://gateway.example.com", listen: { allowedHosts: ["*.gw.example.com", "10.250.0.1:4000"] } },
  addresses: [{ type: "Hostname", value: "gateway.example.com" }],
};
const port = { ports: [{ port: 8080 }] };
const around = [
  sample(service, port, { name: "orders", namespace: "team-b" }),
  sample(service, port, { name: "redis", namespace: "sallyport" }),
];
const serverAt = (url: string, namespace: string) => sample(mcpServer, { url }, { name: "s", namespace });
const meaning = (objects: readonly object[], options = cluster) => meaningOf([...around, ...objects], options);

/* As an MCPServer of team-a names them; the reason of each is what the message has. */
// oxfmt-ignore
const refused: readonly (readonly [url: string, why: string])[] = [
  ["http://127.0.0.1:4001/mcp", "own machine"], ["http://127.1:4001/", "own machine"], ["http://2130706433/", "own machine"], ["http://0x7f.1/", "own machine"],
  ["http://0.0.0.0/", "own machine"], ["http://[::1]:4001/", "own machine"], ["http://[::]/", "own machine"], ["http://[::ffff:127.0.0.1]/", "own machine"],
  ["http://localhost:4001/", "own machine"], ["http://LOCALHOST./", "own machine"], ["http://x.localhost/", "own machine"],
  ["http://169.254.169.254/latest/meta-data", "machine or link"], ["http://0xa9fea9fe/", "machine or link"], ["http://[fe80::1]/", "machine or link"], ["http://[fd00:ec2::254]/", "machine or link"],
  ["http://224.0.0.1/", "machine or link"], ["http://[ff02::1]/", "machine or link"],
  ["https://gateway.example.com/mcp", "the gateway itself"], ["https://gateway.example.com:9999/", "the gateway itself"], ["http://a.gw.example.com/", "the gateway itself"],
  ["http://orders.team-b.svc:8080/mcp", "no ReferenceGrant in namespace team-b"], ["http://orders.team-b.svc.cluster.local:8080/", "no ReferenceGrant"],
  ["http://orders.team-b.svc.cluster.local.:8080/", "no ReferenceGrant"], ["http://ORDERS.team-b.SVC/", "no ReferenceGrant"], ["http://0.orders.team-b.svc/", "no ReferenceGrant"],
  ["http://unknown.team-c.svc/", "no ReferenceGrant in namespace team-c"], ["http://10-0-0-7.team-b.pod.cluster.local/", "no ReferenceGrant"],
  ["http://orders.team-b:8080/", "no ReferenceGrant"], ["http://pod-0.orders.team-b:8080/", "no ReferenceGrant"],
  ["http://redis:6379/", "gateway's own namespace"], ["http://redis-0.redis:6379/", "gateway's own namespace"], ["http://redis.sallyport.svc:6379/", "no ReferenceGrant in namespace sallyport"],
];
// oxfmt-ignore
const allowed: readonly string[] = [
  "https://tools.example.com/mcp", "http://10.20.30.40:8080/", "http://tools.team-a.svc:8080/mcp", "http://tools.team-a.svc.cluster.local/", "https://example.org/", "https://svc.example.com/",
];

describe("an address of a namespace that is not the platform's", () => {
  test.for(refused)("is refused where it is %s", ([url, why]) => {
    const { pieces, problems, statusOf } = meaning([serverAt(url, "team-a")]);
    expect(problems).toEqual([expect.stringContaining(why)]);
    expect(problems[0]).toMatch(/^spec\.url: /);
    expect(pieces).toEqual([]);
    expect(statusOf("MCPServer", "s")).toMatchObject({
      conditions: [
        { type: "Accepted", status: "False", reason: "Invalid", message: expect.stringContaining(why) as string },
      ],
    });
  });

  test.for(allowed)("may be %s, and is looked at again when it is connected to", (url) => {
    const { at, problems } = meaning([serverAt(url, "team-a")]);
    expect(problems).toEqual([]);
    expect(at("mcp", "servers", "team-a/s")).toMatchObject([{ url, reach: "network" }]);
  });

  test.for([...refused.map(([url]) => url), ...allowed])("may be any of the platform's: %s", (url) => {
    const { at, problems } = meaning([serverAt(url, "sallyport")]);
    expect(problems).toEqual([]);
    expect(at("mcp", "servers", "sallyport/s")).toEqual([expect.not.objectContaining({ reach: "network" })]);
  });

  test("is refused by number too where it is known for that of a Service or a pod of another namespace", () => {
    const managed = { "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io" };
    const sliceOf = (namespace: string, address: string, labels: Readonly<Record<string, string>> = managed) =>
      sample(
        endpointSlice,
        { addressType: address.includes(":") ? "IPv6" : "IPv4", endpoints: [{ addresses: [address] }], ports: [] },
        { name: "s-1", namespace, labels: { ...labels, "kubernetes.io/service-name": "s" } },
      );
    const numbered = (namespace: string, clusterIP: string, clusterIPs: readonly string[] = [clusterIP]) =>
      sample(service, { clusterIP, clusterIPs, ...port }, { name: "s", namespace });
    const pool = sample(
      inferencePool,
      { selector: { matchLabels: { app: "x" } }, targetPorts: [{ number: 8000 }] },
      { name: "llama", namespace: "team-c" },
    );
    const podAt = sample(pod, { status: { podIP: "10.1.1.3" } }, { name: "p", namespace: "team-c" });
    const known = [
      numbered("team-b", "10.96.0.12", ["10.96.0.12", "fd00:96::12"]),
      numbered("sallyport", "10.96.0.13"),
      numbered("team-a", "10.96.0.14"),
      sample(service, { clusterIP: "None", ...port }, { name: "headless", namespace: "team-b" }),
      sliceOf("team-b", "10.1.1.1"),
      sliceOf("team-c", "203.0.113.9", {}),
      pool,
      podAt,
    ];
    const whyOf = (url: string, ...more: readonly object[]) =>
      meaning([...known, ...more, serverAt(url, "team-a")]).problems;
    for (const host of ["10.96.0.12", "0x0a.0x60.0.12", "[fd00:96::0:12]", "10.96.0.13", "10.1.1.1", "10.1.1.3"]) {
      const problems = whyOf(`http://${host}:4000/mcp`);
      expect([host, problems]).toEqual([host, [expect.stringMatching(/^spec\.url: .*of another namespace/)]]);
      /* Whose it is is nobody's business. */
      expect(problems.join("")).not.toMatch(/team-[bc]|sallyport/);
    }
    for (const host of ["10.96.0.14", "10.1.1.2", "203.0.113.9"])
      expect([host, whyOf(`http://${host}:4000/mcp`)]).toEqual([host, []]);
    const grant = sample(
      referenceGrant,
      {
        from: [{ group: "sallyport.dev", kind: "MCPServer", namespace: "team-a" }],
        to: [{ group: "", kind: "Service", name: "s" }],
      },
      { namespace: "team-b" },
    );
    expect(whyOf("http://10.96.0.12:8080/mcp", grant)).toEqual([]);
    expect(whyOf("http://10.1.1.1:8080/mcp", grant)).toEqual([]);
  });

  test("is refused where it is one of `allowedHosts`, without `publicUrl` as well", () => {
    const options = { ...cluster, base: { listen: { allowedHosts: ["*.gw.example.com", "10.250.0.1:4000"] } } };
    for (const url of ["http://a.gw.example.com/mcp", "http://10.250.0.1:4000/mcp"])
      expect(meaning([serverAt(url, "team-a")], { ...options, addresses: [] }).problems).toEqual([
        expect.stringMatching(/is the gateway itself/),
      ]);
  });

  test("is as little that of a Service of its own that is another name for one, by its url", () => {
    const alias = sample(
      service,
      { type: "ExternalName", externalName: "orders.team-b.svc.cluster.local", ...port },
      { name: "alias", namespace: "team-a" },
    );
    const { problems } = meaning([alias, serverAt("http://alias.team-a.svc:8080/mcp", "team-a")]);
    expect(problems).toEqual([expect.stringMatching(/^spec\.url: .*ExternalName/)]);
  });

  test("may be a Service of a namespace that grants it", () => {
    const grant = sample(
      referenceGrant,
      {
        from: [{ group: "sallyport.dev", kind: "MCPServer", namespace: "team-a" }],
        to: [{ group: "", kind: "Service", name: "orders" }],
      },
      { namespace: "team-b" },
    );
    const problemsOf = (url: string) => meaning([grant, serverAt(url, "team-a")]).problems;
    expect(problemsOf("http://orders.team-b.svc:8080/mcp")).toEqual([]);
    expect(problemsOf("http://other.team-b.svc:8080/mcp")).toHaveLength(1);
    const agent = sample(a2aAgent, { url: "http://orders.team-b.svc:8080/" }, { name: "w", namespace: "team-a" });
    expect(meaning([grant, agent]).problems).toHaveLength(1);
  });

  test("is as little that of an agent's card", () => {
    const agentWith = (card: string) =>
      meaning([sample(a2aAgent, { url: "http://agents.example.com/", card }, { name: "w", namespace: "team-a" })]);
    for (const card of [
      "http://127.0.0.1:4001/x",
      "//169.254.169.254/latest",
      "/\\127.0.0.1/",
      "http://orders.team-b.svc/",
    ]) {
      const { problems, pieces } = agentWith(card);
      expect(problems).toEqual([expect.stringMatching(/^spec\.card: /)]);
      expect(pieces).toEqual([]);
    }
    expect(agentWith("/card.json").problems).toEqual([]);
    expect(agentWith("http://cards.example.com/card.json").at("a2a", "agents", "team-a/w")).toMatchObject([
      { reach: "network" },
    ]);
  });

  test("is as little behind a Service of its own that is another name for it", () => {
    const alias = sample(
      service,
      { type: "ExternalName", externalName: "orders.team-b.svc.cluster.local", ports: [{ port: 8080 }] },
      { name: "alias", namespace: "team-a" },
    );
    const named = sample(mcpServer, { service: { name: "alias", port: 8080 } }, { name: "s", namespace: "team-a" });
    const { problems, pieces } = meaning([alias, named]);
    expect(problems).toEqual([expect.stringMatching(/^spec\.service: .*ExternalName/)]);
    expect(pieces).toEqual([]);
  });

  test("of a guard's webhook closes what the policy is for, as any fault of it", () => {
    const policyAt = (host: string) =>
      sample(
        trafficPolicy,
        {
          targetRefs: [target("HTTPRoute", "a")],
          ai: { promptGuard: { request: { webhook: { endpoint: { host, port: 8000 } } } } },
        },
        { name: "guard", namespace: "default" },
      );
    const guards = (host: string) =>
      meaning([gw(), route("a"), policyAt(host)], { ...cluster, source: "folder", backends });
    for (const host of ["127.0.0.1", "::1", "orders.team-b.svc", "x@127.0.0.1"]) {
      const { problems, at } = guards(host);
      expect(problems).toEqual([expect.stringMatching(/^spec\.ai\.promptGuard\.request\.webhook\.endpoint/)]);
      expect(at("guardrails").filter((each) => (each as { type?: string }).type === "webhook")).toEqual([]);
    }
    expect(guards("guard.example.com").at("guardrails")).toMatchObject([{ type: "webhook", reach: "network" }]);
  });
});
