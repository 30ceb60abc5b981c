import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import { checkout } from "../../src/cli/quickstart-place.ts";
import { startSamples, type RunningSamples } from "../../src/cli/samples.ts";
import { rpc } from "../a2a/clients.ts";
import { startRedis, type RedisServer } from "../state/redis-server.ts";
import { eventually } from "./eventually.ts";
import { listenOn, startServeProcess, type ServeProcess } from "./serve-process.ts";

const dir = mkdtempSync(join(tmpdir(), "sallyport-replicas-"));
const secret = crypto.randomUUID() + crypto.randomUUID();
let samples: RunningSamples;
let redis: RedisServer;
let a: ServeProcess;
let b: ServeProcess;

beforeAll(async () => {
  redis = await startRedis("--appendonly", "yes");
  samples = await startSamples(
    [
      { name: "notes", script: "tools/notes/server.ts" },
      { name: "writer", script: "agents/writer/server.ts" },
      { name: "model", script: "models/simulator/server.ts" },
    ],
    checkout,
  );
  a = await replica("a");
  b = await replica("b");
}, 60_000);
afterAll(async () => {
  expect(await Promise.all([a.stop(), b.stop()])).toEqual([0, 0]);
  await samples.stop();
  await redis.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** As behind a balancer: one public address, which names neither of them. */
async function replica(name: string): Promise<ServeProcess> {
  const port = await freePorts();
  mkdirSync(join(dir, name));
  return startServeProcess(
    join(dir, name),
    port,
    `
publicUrl: https://gateway.example.com
listen: ${listenOn(port).replace("{", "{host: 127.0.0.1, ")}
auth: {embedded: {clients: {app: {secret: "\${env:APP_SECRET}"}}}}
mcp: {servers: {notes: {url: "${samples.urls["notes"]}"}}, routes: {/mcp: {servers: [notes]}}}
a2a: {agents: {writer: {url: "${samples.urls["writer"]}"}}}
models: {small: {provider: vllm, url: "${samples.urls["model"]}"}}
policies: open
state: {redis: "${redis.url}", timeout: 500ms}
drain: {grace: 1s}
`,
    { APP_SECRET: secret },
  );
}

const models = (gateway: ServeProcess, credential: string) =>
  fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${credential}` } });

test("what one replica gives out the other takes: tokens, keys, clients", async () => {
  const token = await a.token("app", secret);
  const { id, key } = await post(a, "/api/keys", { name: "ci" });
  const client = await post(a, "/api/clients", { label: "App", id: "created-at-a" });
  for (const credential of [token, key, await b.token(client.id, client.secret)])
    for (const gateway of [a, b]) expect((await models(gateway, credential)).status).toBe(200);
  expect(await (await fetch(`${a.url}/oauth/jwks`)).text()).toBe(await (await fetch(`${b.url}/oauth/jwks`)).text());

  expect((await a.admin(`/api/keys/${id}`, { method: "DELETE" })).status).toBe(204);
  await eventually(async () => expect((await models(b, key)).status).toBe(401));
  expect((await a.admin("/api/signing-keys", { method: "POST" })).status).toBe(204);
  const signedByNew = await a.token("app", secret);
  for (const credential of [token, signedByNew]) expect((await models(b, credential)).status).toBe(200);
});

test("a session opened at one replica goes on at the other, and a task belongs to its caller at both", async () => {
  const token = await a.token("app", secret);
  const { key: stranger } = await post(b, "/api/keys", { name: "stranger" });
  let turn = 0;
  const balanced: typeof fetch = (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    return fetch(`${(turn++ % 2 === 0 ? a : b).url}${pathname}`, init);
  };
  const transport = new StreamableHTTPClientTransport(new URL("https://gateway.example.com/mcp"), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    fetch: balanced,
  });
  const client = new Client({ name: "replicas", version: "1.0.0" });
  await client.connect(transport);
  /* All at once: both replicas reach for a session at the server, and must end up with the same one. */
  await Promise.all(
    ["1", "2", "3"].map((id) =>
      client.callTool({ name: "write_note", arguments: { id: `shared-${id}`, text: "kept" } }),
    ),
  );
  for (const id of ["1", "2", "3"]) {
    const note = await client.callTool({ name: "read_note", arguments: { id: `shared-${id}` } });
    expect(JSON.stringify(note.content)).toContain("kept");
  }
  const foreign = await fetch(`${b.url}/mcp`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${stranger}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-session-id": transport.sessionId ?? "",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
  });
  expect(foreign.status).toBe(404);
  await client.close();

  const sent = await rpc(`${a.url}/a2a/writer`, token, "SendMessage", {
    message: { messageId: crypto.randomUUID(), role: "ROLE_USER", parts: [{ text: "One line." }] },
  });
  const { result } = (await sent.json()) as { result: { task: { id: string } } };
  const { id } = result.task;
  const get = async (credential: string, task: string) =>
    (await (await rpc(`${b.url}/a2a/writer`, credential, "GetTask", { id: task })).text()).replaceAll(task, "TASK");
  expect(await get(token, id)).toContain('"TASK"');
  expect(await get(stranger, id)).toBe(await get(stranger, crypto.randomUUID()));
  expect(await get(stranger, id)).toContain("-32001");

  /* The journal is written behind the answer. */
  for (const gateway of [a, b])
    await eventually(async () => {
      const { records } = (await (await gateway.admin("/api/journal?limit=100")).json()) as {
        records: { method: string }[];
      };
      const methods = records.map(({ method }) => method);
      expect(methods).toEqual(expect.arrayContaining(["tools/call", "SendMessage", "GetTask"]));
      expect(methods.filter((method) => method === "tools/call")).toHaveLength(6);
    });
});

test("without its store a gateway says so in every protocol, knows whom it just knew, stays alive and recovers", async () => {
  const known = await a.token("app", secret);
  const unseen = await a.token("app", secret);
  expect((await models(a, known)).status).toBe(200);
  await redis.kill();
  try {
    expect((await models(a, known)).status).toBe(200);
    await eventually(async () => expect((await models(a, unseen)).status).toBe(503));
    const llm = await models(a, unseen);
    expect(await llm.json()).toMatchObject({ error: { code: "state_unavailable" } });

    const initialize = {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "replicas", version: "1" },
    };
    const mcp = (credential: string) =>
      fetch(`${a.url}/mcp`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${credential}`,
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 7, method: "initialize", params: initialize }),
      });
    for (const credential of [known, unseen]) {
      const answer = await mcp(credential);
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({ jsonrpc: "2.0", error: { code: expect.any(Number) as number } });
    }
    for (const credential of [known, unseen]) {
      const answer = await rpc(`${a.url}/a2a/writer`, credential, "GetTask", { id: "some-task" });
      expect(await answer.json()).toMatchObject({ jsonrpc: "2.0", error: { message: /state|store/i } });
    }
    const issued = await a.admin("/api/keys", { method: "POST", body: JSON.stringify({ name: "x" }) });
    expect(issued.status).toBe(503);
    for (const gateway of [a, b]) expect((await fetch(`${gateway.healthUrl}/livez`)).status).toBe(200);
  } finally {
    await redis.start();
  }
  await eventually(async () => {
    for (const gateway of [a, b]) expect((await models(gateway, unseen)).status).toBe(200);
  });
  const { id, key } = await post(a, "/api/keys", { name: "after" });
  expect((await models(b, key)).status).toBe(200);
  expect((await a.admin(`/api/keys/${id}`, { method: "DELETE" })).status).toBe(204);
  /* Whether the word of it arrived or came too early for a replica that did not listen yet. */
  await eventually(async () => expect((await models(b, key)).status).toBe(401));
});

interface Made {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
}

async function post(gateway: ServeProcess, path: string, body: unknown): Promise<Made> {
  const answer = await gateway.admin(path, { method: "POST", body: JSON.stringify(body) });
  expect(answer.status).toBe(201);
  return (await answer.json()) as Made;
}
