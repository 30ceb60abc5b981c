import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import type { ChainTree } from "../../src/observability/journal-tree.ts";
import { rpc } from "../a2a/clients.ts";
import { startRedis, type RedisServer } from "../state/redis-server.ts";
import { eventually } from "./eventually.ts";
import { says, startProvider, usageOf, type Provider } from "./fallback-scene.ts";
import { startScriptedAgent, type Handed, type ScriptedAgent } from "./scripted-agent.ts";
import { listenOn, startServeProcess, type ServeProcess } from "./serve-process.ts";

/* Two replicas on one Redis: a user hands work over at one, and the agents call back at the other. */
const dir = mkdtempSync(join(tmpdir(), "sallyport-chain-replicas-"));
const secret = crypto.randomUUID() + crypto.randomUUID();
const callers = ["app", "planner", "clerk"] as const;
type Caller = (typeof callers)[number];
let redis: RedisServer;
let model: Provider;
let planner: ScriptedAgent;
let clerk: ScriptedAgent;
let a: ServeProcess;
let b: ServeProcess;

const ask = async (at: ServeProcess, caller: Caller, headers: Readonly<Record<string, string>>): Promise<Response> =>
  fetch(`${at.url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      ...headers,
      authorization: `Bearer ${await at.token(caller, secret)}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ model: "small", messages: [{ role: "user", content: crypto.randomUUID() }] }),
  });
const hand = async (at: ServeProcess, caller: Caller, agent: string, headers: Readonly<Record<string, string>> = {}) =>
  rpc(
    `${at.url}/a2a/${agent}`,
    await at.token(caller, secret),
    "SendMessage",
    { message: { messageId: crypto.randomUUID(), role: "ROLE_USER", parts: [{ text: crypto.randomUUID() }] } },
    { headers },
  );
const byTrace = ({ traceparent }: Handed) => ({ traceparent });
const byToken = ({ token }: Handed) => ({ "x-sallyport-chain": token });

beforeAll(async () => {
  redis = await startRedis();
  model = await startProvider(says("so be it", usageOf(1_000, 200)));
  planner = await startScriptedAgent("planner", async (handed) => {
    await ask(b, "planner", byTrace(handed));
    return (await hand(b, "planner", "clerk", byTrace(handed))).text();
  });
  clerk = await startScriptedAgent("clerk", async (handed) => {
    const statuses = [];
    for (const at of [a, b, a, b]) statuses.push((await ask(at, "clerk", byToken(handed))).status);
    const back = await hand(a, "clerk", "planner", byToken(handed));
    return `models ${statuses.join(" ")}; back ${back.status}`;
  });
  writeFileSync(
    join(dir, "policies.yaml"),
    `
rules:
  - {name: everything, allow: 'true'}
  - {name: not so dear, on: llm, deny: 'chain.spent >= 0.0128'}
`,
  );
  [a, b] = await Promise.all([replica("a"), replica("b")]);
}, 60_000);
afterAll(async () => {
  expect(await Promise.all([a.stop(), b.stop()])).toEqual([0, 0]);
  for (const each of [planner, clerk, model]) await each.close();
  await redis.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function replica(name: string): Promise<ServeProcess> {
  const port = await freePorts();
  mkdirSync(join(dir, name));
  return startServeProcess(
    join(dir, name),
    port,
    `
publicUrl: https://gateway.example.com
listen: ${listenOn(port).replace("{", "{host: 127.0.0.1, ")}
auth: {embedded: {clients: {${callers.map((caller) => `${caller}: {secret: "\${env:SECRET}"}`).join(", ")}}}}
a2a: {agents: {planner: {url: "${planner.url}", client: planner}, clerk: {url: "${clerk.url}", client: clerk}}}
models: {small: {provider: vllm, url: "${model.url}", price: {input: $2, output: $6}}}
policies: ${join(dir, "policies.yaml")}
budgets: [{name: one-request, per: chain, limits: ["6 calls"]}]
state: {redis: "${redis.url}"}
drain: {grace: 1s}
`,
    { SECRET: secret },
  );
}

test("a chain goes on at another replica by trace and by token, with its way, its budget and its cost", async () => {
  const sent = await hand(a, "app", "planner");
  /* Two hand-offs and the planner's call leave three of six calls; a loop is refused without one. */
  expect(await sent.text()).toContain("models 200 200 200 429; back 403");
  expect([planner.handed.length, clerk.handed.length, model.calls]).toEqual([1, 1, 4]);
  const id = sent.headers.get("x-request-id");
  for (const at of [a, b])
    await eventually(async () => {
      const tree = (await (await at.admin(`/api/chains/${id}`)).json()) as ChainTree;
      expect(tree.children).toHaveLength(1);
      expect([tree.operations, tree.costNanos]).toEqual([8, 4 * 3_200_000]);
    });
  /* What it has cost reaches both replicas, and policy with it. */
  await eventually(async () => {
    for (const at of [a, b]) expect((await ask(at, "clerk", byToken(clerk.handed[0]!))).status).toBe(403);
  });
});
