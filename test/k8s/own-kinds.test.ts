import { Client } from "@modelcontextprotocol/client";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { json, type RawAgent, startRawAgent } from "../a2a/raw-agent.ts";
import { type RunningServer, startServer } from "../mcp/start-server.ts";
import { KEY } from "../services/services-scene.ts";
import { ModelServer } from "../inference/pool/model-server.ts";
import { manifests, type ManifestsScene, openGateway, route, startManifestsScene } from "./manifests-scene.ts";

const STRANGER = "sp_0123456789abcdef_" + "s".repeat(43);

/* A gateway with a key whose caller is of the tenant `default`, and manifests beside it. */
const base = `
listen: {host: 127.0.0.1, port: 0, console: {port: 0}, health: {host: 127.0.0.1, port: 0}}
auth: {keys: {tester: {secret: "${KEY}", tenant: default, groups: [analyst]}, stranger: {secret: "${STRANGER}"}}}
observability: {log: {level: silent}}
drain: {grace: 1ms}
state: memory
`;

let notes: RunningServer;
let agent: RawAgent;
let model: ModelServer;
beforeAll(async () => {
  [notes, agent, model] = await Promise.all([
    startServer("tools/notes/server.ts"),
    startRawAgent(),
    new ModelServer().start(),
  ]);
});
afterAll(() => Promise.all([notes.close(), agent.close(), model.stop()]));

const own = (kind: string, name: string, spec: string, namespace = "default") =>
  `apiVersion: sallyport.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${spec}\n`;
const server = (name: string, namespace?: string) => own("MCPServer", name, `{url: "${notes.url}"}`, namespace);
const start = (...documents: readonly string[]) =>
  startManifestsScene(manifests(...documents), { "llama.default": model.url }, base);

async function connect({ port }: ManifestsScene, path: string, key = KEY): Promise<Client> {
  const client = new Client({ name: "test", version: "1.0.0" });
  const url = new URL(`http://127.0.0.1:${port}${path}`);
  await client.connect(
    new StreamableHTTPClientTransport(url, { requestInit: { headers: { authorization: `Bearer ${key}` } } }),
  );
  onTestFinished(() => client.close());
  return client;
}
const toolsOf = async (client: Client) => (await client.listTools()).tools.map(({ name }) => name);
const read = (client: Client, name = "read_note") => client.callTool({ name, arguments: { id: "note-1" } });

describe("an MCPServer", () => {
  test("is offered at a path of its own, and with the others of its namespace under names that do not clash", async () => {
    const scene = await start(server("a"), server("b"), server("c", "other"));
    const alone = await connect(scene, "/mcp/default/a");
    expect(await toolsOf(alone)).toContain("read_note");
    expect(await read(alone)).toMatchObject({ content: [{ text: "This is note 1." }] });
    const together = await connect(scene, "/mcp/default");
    const names = await toolsOf(together);
    expect(names).toEqual(expect.arrayContaining(["read_note", "default_b__read_note"]));
    expect(names.filter((name) => name.endsWith("read_note"))).toHaveLength(2);
    expect(await read(together, "default_b__read_note")).toMatchObject({ content: [{ text: "This is note 1." }] });
  });
});

describe("an AccessPolicy", () => {
  const policy = own(
    "AccessPolicy",
    "readers",
    `{targetRefs: [{group: sallyport.dev, kind: MCPServer, name: a}], rules: [
      {name: read, allow: '"analyst" in principal.groups && mcp.tool.name.startsWith("read_")'},
      {name: not two, deny: 'has(mcp.tool.arguments.id) && mcp.tool.arguments.id == "note-2"', message: "Not that one."}]}`,
  );

  test("lets through what it allows, tells who is denied why, hides the rest, and leaves other servers alone", async () => {
    const scene = await start(server("a"), server("b"), policy);
    const client = await connect(scene, "/mcp/default/a");
    expect(await toolsOf(client)).toEqual(["read_note"]);
    expect(await read(client)).toMatchObject({ content: [{ text: "This is note 1." }] });
    expect(await client.callTool({ name: "read_note", arguments: { id: "note-2" } })).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining("Not that one.") as string }],
    });
    expect((await toolsOf(await connect(scene, "/mcp/default/b"))).length).toBeGreaterThan(1);
    /* Beside the other server it is the same one under the same policy. */
    expect(
      (await toolsOf(await connect(scene, "/mcp/default"))).filter((name) => !name.startsWith("default_b__")),
    ).toContain("read_note");
  });

  test("is taken up, changed and given up with its manifest", async () => {
    const scene = await start(server("a"));
    const many = (await toolsOf(await connect(scene, "/mcp/default/a"))).length;
    await scene.reload(manifests(server("a"), policy));
    expect(await toolsOf(await connect(scene, "/mcp/default/a"))).toEqual(["read_note"]);
    await scene.reload(server("a"));
    expect((await toolsOf(await connect(scene, "/mcp/default/a"))).length).toBe(many);
  });

  test("of a whole namespace holds for its routes, and not for those of others", async () => {
    const pool = `apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {name: llama}
spec: {selector: {matchLabels: {app: llama}}, targetPorts: [{number: 8000}]}
`;
    const chat = route(
      "chat",
      "hostnames: [chat.example.com], rules: [{backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: llama}]}]",
    );
    const rules = `{rules: [{name: few models, on: [llm], allow: 'llm.model == "llama"'}]}`;
    const ask = async (scene: ManifestsScene, name: string) =>
      scene.ask("/v1/chat/completions", {
        method: "POST",
        host: "chat.example.com",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: name, messages: [{ role: "user", content: "hi" }] }),
      });
    const scene = await start(openGateway, pool, chat, own("AccessPolicy", "models", rules));
    expect((await ask(scene, "llama")).status).toBe(200);
    /* A model that a caller may not see is none. */
    expect((await ask(scene, "gpt-4o")).status).toBe(404);
    const other = await start(openGateway, pool, chat, own("AccessPolicy", "models", rules, "elsewhere"));
    expect((await ask(other, "gpt-4o")).status).toBe(200);
  });
});

describe("an A2AAgent and a Budget", () => {
  test("an agent is served below its namespace with a card that says so, and a Budget counts what its callers do there", async () => {
    agent.answer = (body, response) =>
      json(response, {
        jsonrpc: "2.0",
        id: body.id,
        result: { message: { messageId: "1", role: "ROLE_AGENT", parts: [{ text: "hi" }] } },
      });
    const scene = await start(
      own("A2AAgent", "writer", `{url: "${agent.url}"}`),
      own(
        "Budget",
        "calls",
        `{limits: ["2 calls/hour"], targetRefs: [{group: sallyport.dev, kind: A2AAgent, name: writer}]}`,
      ),
    );
    const at = `http://127.0.0.1:${scene.port}/a2a/default/writer`;
    const headers = { authorization: `Bearer ${KEY}`, "content-type": "application/json", "a2a-version": "1.0" };
    const card = await (await fetch(`${at}/.well-known/agent-card.json`, { headers })).text();
    expect(card).toContain("/a2a/default/writer");
    const send = async () => {
      const params = { message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "x" }] } };
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "SendMessage", params });
      return (await fetch(at, { method: "POST", headers, body })).text();
    };
    expect(await send()).toContain('"hi"');
    expect(await send()).toContain('"hi"');
    expect(await send()).toContain("BUDGET_EXHAUSTED");
  });

  test("a Budget without targets is for the callers of its namespace, whose tenant is its name", async () => {
    const of = (namespace: string) =>
      start(server("a"), own("Budget", "calls", `{limits: ["1 calls/hour"]}`, namespace));
    const mine = await connect(await of("default"), "/mcp/default/a");
    expect(await read(mine)).not.toHaveProperty("isError", true);
    expect(await read(mine)).toMatchObject({ isError: true });
    const others = await connect(await of("elsewhere"), "/mcp/default/a");
    await read(others);
    expect(await read(others)).not.toHaveProperty("isError", true);
  });

  test("and for what callers without a tenant call of its servers, which makes them no callers of its tenant", async () => {
    const members = `{rules: [{name: members, on: [mcp], allow: 'principal.tenant == "default"'}]}`;
    const budget = own("Budget", "calls", `{limits: ["1 calls/hour"]}`);
    const scene = await start(server("a"), server("c", "other"), budget);
    const client = await connect(scene, "/mcp/default/a", STRANGER);
    expect(await read(client)).not.toHaveProperty("isError", true);
    expect(await read(client)).toMatchObject({ isError: true });
    expect(await read(await connect(scene, "/mcp/other/c", STRANGER))).not.toHaveProperty("isError", true);
    await scene.reload(manifests(server("a"), own("AccessPolicy", "members", members)));
    expect(await toolsOf(await connect(scene, "/mcp/default/a", STRANGER))).toEqual([]);
    expect(await toolsOf(await connect(scene, "/mcp/default/a"))).toContain("read_note");
  });
});
