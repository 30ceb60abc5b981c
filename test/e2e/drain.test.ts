import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { freePorts, startQuickstartProcess } from "../../src/cli/quickstart-process.ts";
import { checkout } from "../../src/cli/quickstart-place.ts";
import { startSamples, type RunningSamples } from "../../src/cli/samples.ts";
import { collect, officialClient, textMessage } from "../a2a/clients.ts";
import { childrenOf, isRunning } from "./children-of.ts";
import { eventually } from "./eventually.ts";
import { listenOn, startServeProcess, type ServeProcess } from "./serve-process.ts";

const dir = mkdtempSync(join(tmpdir(), "sallyport-drain-"));
const key = crypto.randomUUID() + crypto.randomUUID();
let samples: RunningSamples;
let port: number;

beforeAll(async () => {
  samples = await startSamples(
    [
      { name: "notes", script: "tools/notes/server.ts" },
      { name: "writer", script: "agents/writer/server.ts" },
      { name: "model", script: "models/simulator/server.ts" },
    ],
    checkout,
  );
  port = await freePorts();
}, 60_000);
afterAll(async () => {
  await samples.stop();
  rmSync(dir, { recursive: true, force: true });
});

const running: ServeProcess[] = [];
afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.kill();
});

async function start(grace: string): Promise<ServeProcess> {
  const gateway = await startServeProcess(
    dir,
    port,
    `
publicUrl: http://127.0.0.1:${port}
listen: ${listenOn(port)}
auth: {keys: {app: {secret: "\${env:APP_KEY}"}}}
mcp:
  servers:
    notes: {url: "${samples.urls["notes"]}"}
    files: {command: [node, "${checkout}/tools/files/server.ts", --stdio]}
  routes: {/mcp: {servers: [notes, files]}}
a2a: {agents: {writer: {url: "${samples.urls["writer"]}"}}}
models: {slow: {provider: vllm, url: "${samples.urls["model"]}", model: "llama-3-8b@itl=50,tokens=1000"}}
policies: open
state: ./state.db
drain: {grace: ${grace}}
`,
    { APP_KEY: key },
  );
  running.push(gateway);
  return gateway;
}

async function connectMcp(gateway: ServeProcess): Promise<Client> {
  const client = new Client({ name: "drain", version: "1.0.0" });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), {
      requestInit: { headers: { authorization: `Bearer ${key}` } },
    }),
  );
  return client;
}

/** A call that takes a while; `started` resolves when the server has begun. */
function reindex(client: Client, steps: number) {
  let begin = (): void => {};
  const started = new Promise<void>((resolve) => (begin = resolve));
  const args = { name: "reindex", arguments: { steps, stepMs: 100 } };
  return { started, answer: client.callTool(args, undefined, { onprogress: () => begin() }) };
}

const openStream = (gateway: ServeProcess) =>
  new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 }).chat.completions.create({
    model: "slow",
    messages: [{ role: "user", content: "Count." }],
    stream: true,
  });

const readiness = async (gateway: ServeProcess) => (await fetch(`${gateway.healthUrl}/readyz`)).status;

/** Whether a new connection is taken. */
const isOpen = (at: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(at, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });

async function journal(gateway: ServeProcess): Promise<readonly { method: string; outcome: string }[]> {
  const answer = await gateway.admin("/api/journal?limit=100");
  return ((await answer.json()) as { records: { method: string; outcome: string }[] }).records;
}

test("a stopping gateway is not ready, takes nothing new, lets a running call finish and waits for no stream that only listens", async () => {
  const gateway = await start("1h");
  const client = await connectMcp(gateway);
  await client.callTool({ name: "list_files", arguments: {} });
  const children = childrenOf(gateway.pid);
  expect(children).toHaveLength(1);
  const call = reindex(client, 15);
  await call.started;
  expect(await readiness(gateway)).toBe(200);

  gateway.signal("SIGTERM");
  await eventually(async () => expect(await readiness(gateway)).toBe(503));
  expect((await fetch(`${gateway.healthUrl}/livez`)).status).toBe(200);
  expect(await isOpen(port)).toBe(false);
  expect(JSON.stringify((await call.answer).content)).toContain("indexed");
  expect(await gateway.ended).toBe(0);
  await client.close();
  expect(children.filter(isRunning)).toEqual([]);

  const after = await start("1s");
  const calls = (await journal(after)).filter(({ method }) => method === "tools/call");
  expect(calls.map(({ outcome }) => outcome)).toEqual(["ok", "ok"]);
  expect(await after.stop()).toBe(0);
});

test("what outlives the grace ends with an error that its client sees, and the journal says so", async () => {
  const gateway = await start("1s");
  const client = await connectMcp(gateway);
  const call = reindex(client, 50);
  await call.started;
  const quiet = client.callTool({ name: "reindex", arguments: { steps: 50, stepMs: 100 } });

  const stream = await openStream(gateway);
  const chunks = stream[Symbol.asyncIterator]();
  await chunks.next();

  const agent = await officialClient(`${gateway.url}/a2a/writer`, key);
  const events = agent.sendMessageStream(textMessage("a. b. c. d. e. f. g. h.", { metadata: { paceMs: 1_000 } }));
  await events.next();
  const outcomes = Promise.allSettled([call.answer, quiet, collect(events)]);

  gateway.signal("SIGTERM");
  await expect(
    (async () => {
      for (let next = await chunks.next(); !next.done; next = await chunks.next());
    })(),
  ).rejects.toThrow(/stopping/);
  for (const outcome of await outcomes)
    expect(outcome).toMatchObject({ reason: { message: expect.stringMatching(/stopping/) as string } });
  expect(await gateway.ended).toBe(0);
  await client.close().catch(() => undefined);

  const after = await start("1s");
  const drained = (await journal(after)).filter(({ outcome }) => outcome === "drained").map(({ method }) => method);
  expect(drained.toSorted()).toEqual(["SendStreamingMessage", "chat.completions", "tools/call", "tools/call"]);
  expect(await after.stop()).toBe(0);
});

test("a second signal ends it at once, children included", async () => {
  const gateway = await start("1h");
  const client = await connectMcp(gateway);
  await client.callTool({ name: "list_files", arguments: {} });
  const children = childrenOf(gateway.pid);
  expect(children).toHaveLength(1);
  const stream = await openStream(gateway);
  const chunks = stream[Symbol.asyncIterator]();
  await chunks.next();
  gateway.signal("SIGTERM");
  await eventually(async () => expect(await readiness(gateway)).toBe(503));
  gateway.signal("SIGTERM");
  expect(await gateway.ended).toBe(130);
  await eventually(() => expect(children.filter(isRunning)).toEqual([]));
  await client.close().catch(() => undefined);
});

test("the quickstart leaves no process behind, stopped or killed", async () => {
  for (const end of ["stop", "kill"] as const) {
    const quickstart = await startQuickstartProcess();
    const token = await quickstart.token();
    await fetch(`${quickstart.url}/mcp`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/list",
      },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "tools/list",
        params: {
          _meta: {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { name: "drain", version: "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
          },
        },
      }),
    });
    const children = childrenOf(quickstart.pid);
    expect(children).toHaveLength(7); // six samples and the files server over stdio
    if (end === "stop") expect(await quickstart.stop()).toBe(0);
    else await quickstart.kill();
    await eventually(() => expect(children.filter(isRunning)).toEqual([]));
    if (end === "kill") rmSync(quickstart.dataDir, { recursive: true, force: true });
  }
});
