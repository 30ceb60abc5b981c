import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import type { ChainTree, TreeNode } from "../../src/observability/journal-tree.ts";
import { commands } from "../../src/cli/registry.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { rpc } from "../a2a/clients.ts";
import { eventually } from "./eventually.ts";
import { says, startProvider, usageOf, type Provider } from "./fallback-scene.ts";
import { type PoisonedNotes, startPoisonedNotes } from "./poisoned-notes.ts";
import { startScriptedAgent, type Handed, type ScriptedAgent } from "./scripted-agent.ts";
import { listenOn, startServeProcess, type ServeProcess } from "./serve-process.ts";

/* A planner that keeps the trace, and a clerk that keeps the token; each with a tool of a server of its own, and a model. */
const dir = mkdtempSync(join(tmpdir(), "sallyport-one-chain-"));
const secret = crypto.randomUUID() + crypto.randomUUID();
const callers = ["app", "planner", "clerk", "spy"] as const;
type Caller = (typeof callers)[number];
let notes: PoisonedNotes;
let archive: PoisonedNotes;
let model: Provider;
let planner: ScriptedAgent;
let clerk: ScriptedAgent;
let spy: ScriptedAgent;
let gateway: ServeProcess;
/** What the clerk was told when it handed the work back. */
let told = "";

type Headers = Readonly<Record<string, string>>;
const byTrace = ({ traceparent }: Handed): Headers => ({ traceparent });
const byToken = ({ token }: Handed): Headers => ({ "x-sallyport-chain": token });

async function callTool(caller: Caller, path: string, name: string, headers: Headers): Promise<string> {
  const authorization = `Bearer ${await gateway.token(caller, secret)}`;
  const client = new Client({ name: caller, version: "1.0.0" });
  const requestInit = { headers: { ...headers, authorization } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}${path}`), { requestInit }));
  const result = await client.callTool({ name, arguments: { id: crypto.randomUUID() } });
  await client.close();
  return JSON.stringify(result.content);
}

const askModel = async (caller: Caller, headers: Headers): Promise<Response> =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      ...headers,
      authorization: `Bearer ${await gateway.token(caller, secret)}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ model: "small", messages: [{ role: "user", content: crypto.randomUUID() }] }),
  });

const handTo = async (caller: Caller, agent: string, text: string, headers: Headers = {}): Promise<Response> =>
  rpc(
    `${gateway.url}/a2a/${agent}`,
    await gateway.token(caller, secret),
    "SendMessage",
    { message: { messageId: crypto.randomUUID(), role: "ROLE_USER", parts: [{ text }] } },
    { headers },
  );

beforeAll(async () => {
  [notes, archive] = await Promise.all([startPoisonedNotes(), startPoisonedNotes()]);
  model = await startProvider(says("so be it", usageOf(1_000, 200)));
  planner = await startScriptedAgent("planner", async (handed) => {
    if (handed.text === "spend") {
      for (let calls = 0; ; calls++) {
        const { status } = await askModel("planner", byTrace(handed));
        if (status !== 200) return `${calls} calls, then ${status}`;
      }
    }
    await callTool("planner", "/mcp/notes", "read_note", byTrace(handed));
    await askModel("planner", byTrace(handed));
    return (await handTo("planner", "clerk", handed.text, byTrace(handed))).text();
  });
  clerk = await startScriptedAgent("clerk", async (handed) => {
    await callTool("clerk", "/mcp/archive", "archive_note", byToken(handed));
    await askModel("clerk", byToken(handed));
    if (handed.text === "back") told = await (await handTo("clerk", "planner", "again", byToken(handed))).text();
    if (handed.text === "on") return (await handTo("clerk", "spy", "deeper", byToken(handed))).text();
    return "filed";
  });
  spy = await startScriptedAgent("spy", async (handed) => (await askModel("spy", byTrace(handed))).text());
  const port = await freePorts();
  const client = '{secret: "${env:SECRET}"}';
  writeFileSync(
    join(dir, "policies.yaml"),
    `
rules:
  - {name: everything, allow: 'true'}
  - {name: agents work in chains, on: llm, deny: 'principal.client == "spy" && chain.depth == 0'}
`,
  );
  gateway = await startServeProcess(
    dir,
    port,
    `
listen: ${listenOn(port)}
auth: {embedded: {clients: {${callers.map((name) => `${name}: ${client}`).join(", ")}}}}
mcp:
  servers:
    notes: {url: "${notes.url}", prices: {read_note: $0.01}}
    archive: {url: "${archive.url}", prices: {archive_note: $0.02}}
  routes: {/mcp/notes: {servers: [notes]}, /mcp/archive: {servers: [archive]}}
a2a:
  agents:
    planner: {url: "${planner.url}", client: planner}
    clerk: {url: "${clerk.url}", client: clerk, price: $0.05}
    spy: {url: "${spy.url}", client: spy}
models: {small: {provider: vllm, url: "${model.url}", price: {input: $2, output: $6}}}
policies: ./policies.yaml
admission: {hops: 2}
budgets:
  - {name: one-request, per: chain, limits: ["12 calls"]}
  - {name: below, per: chain, where: "chain.depth > 0", limits: ["6 calls"]}
drain: {grace: 1s}
`,
    { SECRET: secret },
  );
}, 60_000);
afterAll(async () => {
  expect(await gateway.stop()).toBe(0);
  for (const each of [planner, clerk, spy, notes, archive, model]) await each.close();
  rmSync(dir, { recursive: true, force: true });
});

/** The tree of a chain once it holds this many operations that policy judges. */
async function treeOf(id: string | null, judged: number): Promise<ChainTree> {
  let tree: ChainTree | undefined;
  await eventually(async () => {
    tree = (await (await gateway.admin(`/api/chains/${id}`)).json()) as ChainTree;
    expect(shapeOf(tree.children).flat(9)).toHaveLength(judged);
  });
  return tree as ChainTree;
}

type Shape = readonly (string | Shape)[];
const judged = new Set(["tools/call", "chat.completions", "SendMessage"]);
/** Targets with what they set off behind them; handshakes and lists are left out. */
const shapeOf = (nodes: readonly TreeNode[]): Shape =>
  nodes
    .filter(({ record }) => judged.has(record.method))
    .flatMap(({ record, children }) => {
      const below = shapeOf(children);
      return below.length === 0 ? [record.target.name] : [record.target.name, below];
    });

const MODEL_NANOS = 3_200_000;

test("two agents, two tools and a model are one chain, with what all of it cost at its root, by trace and by token", async () => {
  const sent = await handTo("app", "planner", "file it");
  expect(await sent.text()).toContain("filed");
  const tree = await treeOf(sent.headers.get("x-request-id"), 6);
  expect(shapeOf(tree.children)).toEqual(["planner", ["read_note", "small", "clerk", ["archive_note", "small"]]]);
  expect(tree.costNanos).toBe(10_000_000 + 20_000_000 + 50_000_000 + 2 * MODEL_NANOS);
  expect(tree.children[0]?.costNanos).toBe(tree.costNanos);
  const [clerksPart] = tree.children[0]?.children.filter(({ record }) => record.target.name === "clerk") ?? [];
  expect(clerksPart?.costNanos).toBe(50_000_000 + 20_000_000 + MODEL_NANOS);
  const records = (nodes: readonly TreeNode[]): readonly TreeNode["record"][] =>
    nodes.flatMap(({ record, children }) => [record, ...records(children)]);
  expect(new Set(records(tree.children).map(({ chainId }) => chainId))).toEqual(new Set([tree.chainId]));
  await eventually(async () => {
    const spend = (await (await gateway.admin("/api/spend?by=chain&window=day")).json()) as {
      lines: { name: string; costNanos: number }[];
    };
    expect(spend.lines.find(({ name }) => name === tree.chainId)?.costNanos).toBe(tree.costNanos);
  });
});

const page = readFileSync(new URL("../../docs/chains.md", import.meta.url), "utf8");
const shown = (language: string, holds: string): string =>
  [...page.matchAll(/```(\w*)\n([^]*?)```/g)]
    .flatMap(([, of, block = ""]) => (of === language && block.includes(holds) ? [block] : []))
    .join("");

test("the command line shows a chain as the documentation does, and so does the admin API", async () => {
  const sent = await handTo("app", "planner", "back");
  await sent.text();
  const id = String(sent.headers.get("x-request-id"));
  await treeOf(id, 7);
  const lines: string[] = [];
  const args = ["journal", "-c", join(dir, "sallyport.yaml"), "--chain", id];
  expect(await runCommand(commands, "0", args, { out: (line) => void lines.push(line), err: () => {} })).toBe(0);
  /* But for ids, times and how many handshakes there were in which order. */
  const plain = (text: string) =>
    text
      .replace(/^chain \w+, begun by \S+#/, "chain ID, begun by #")
      .replace(/\d+ operations/, "N operations")
      .replaceAll(/\d+\.\d m?s/g, "TIME")
      .replaceAll(/\(.*\)/g, "(handshakes)");
  expect(plain(lines.join("\n"))).toBe(plain(shown("", "denied by no loops").trimEnd()));

  const curl = shown("sh", "/api/chains/")
    .replace(
      "http://127.0.0.1:4001",
      gateway.url.replace(/\d+$/, (port) => String(Number(port) + 1)),
    )
    .replace("ID", id)
    .replace("data/", `${dir}/data/`);
  const { stdout } = await promisify(execFile)("sh", ["-eu", "-c", curl]);
  expect(JSON.parse(stdout)).toMatchObject({
    chainId: id,
    complete: true,
    costIsPartial: false,
    costNanos: 86_400_000,
  });
});

test("a foreign agent that shows another's trace, token or both is in no chain but its own", async () => {
  const sent = await handTo("app", "planner", "file it");
  await sent.text();
  const before = await treeOf(sent.headers.get("x-request-id"), 6);
  const stolen = [planner.handed.at(-1)!, clerk.handed.at(-1)!];
  const replays = stolen.flatMap((handed) => [
    byTrace(handed),
    byToken(handed),
    { ...byTrace(handed), ...byToken(handed) },
  ]);
  for (const headers of replays) {
    for (const thief of ["app", "spy"] as const) {
      const response = await askModel(thief, headers);
      /* Outside of a chain the spy may do nothing: the policy sees that it was handed none. */
      expect(response.status).toBe(thief === "spy" ? 404 : 200);
      const id = response.headers.get("x-request-id");
      await eventually(async () => {
        const page = await (await gateway.admin(`/api/journal?request=${id}`)).json();
        const { records } = page as { records: readonly { chainId: string; depth: number }[] };
        expect(records).toHaveLength(1);
        expect(records[0]?.depth).toBe(0);
        expect(records[0]?.chainId).not.toBe(before.chainId);
      });
    }
  }
  /* In the metadata of a message it is worth no more. */
  const metadata = { "sallyport.chain": clerk.handed.at(-1)?.token };
  const message = { messageId: "m", role: "ROLE_USER", parts: [{ text: "filed" }], metadata };
  await rpc(`${gateway.url}/a2a/clerk`, await gateway.token("spy", secret), "SendMessage", { message });
  const after = (await (await gateway.admin(`/api/chains/${before.chainId}`)).json()) as ChainTree;
  expect([after.operations, after.costNanos]).toEqual([before.operations, before.costNanos]);
});

test("a loop is refused before anything is called, by the token too", async () => {
  const asked = planner.handed.length;
  await (await handTo("app", "planner", "back")).text();
  expect(JSON.parse(told)).toEqual(JSON.parse(shown("json", "hand the work back")));
  expect(planner.handed.length - asked).toBe(1);
});

test("work is handed on so often and no oftener: what is behind the last hop may call nothing", async () => {
  const [calls, asked] = [model.calls, spy.handed.length];
  const answer = await (await handTo("app", "planner", "on")).text();
  expect(answer).toContain("This request was handed on 3 times; the limit is 2.");
  expect(spy.handed.length - asked).toBe(1);
  /* One of the planner, one of the clerk, none of the spy. */
  expect(model.calls - calls).toBe(2);
});

test("a budget of the chain holds for all in it, and one for those below is tighter; nothing an agent sends loosens it", async () => {
  const run = { traceparent: `00-${"7".repeat(32)}-00f067aa0ba902b7-01` };
  const calls = model.calls;
  expect(await (await handTo("app", "planner", "spend", run)).text()).toContain("6 calls, then 429");
  expect(model.calls - calls).toBe(6);
  /* The hand-off and six calls of the planner are in the chain: its client has five left. */
  for (let left = 5; left > 0; left--) expect((await askModel("app", run)).status).toBe(200);
  const refused = await askModel("app", run);
  expect(refused.status).toBe(429);
  expect(await refused.text()).toContain("one-request");
  /* Handed the same chain once more the planner has no more than before. */
  expect((await handTo("app", "planner", "spend", run)).status).toBe(429);
  expect(model.calls - calls).toBe(11);
});
