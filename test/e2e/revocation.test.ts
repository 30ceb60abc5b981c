import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Client as StatelessClient,
  StreamableHTTPClientTransport as StatelessTransport,
} from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import { checkout } from "../../src/cli/quickstart-place.ts";
import { startSamples, type RunningSamples } from "../../src/cli/samples.ts";
import { collect, officialClient, textMessage } from "../a2a/clients.ts";
import { eventually } from "./eventually.ts";
import { listenOn, startServeProcess, type ServeProcess } from "./serve-process.ts";

const dir = mkdtempSync(join(tmpdir(), "sallyport-revocation-"));
let samples: RunningSamples;
let gateway: ServeProcess;

beforeAll(async () => {
  samples = await startSamples(
    [
      { name: "notes", script: "tools/notes/server.ts" },
      { name: "writer", script: "agents/writer/server.ts" },
      { name: "model", script: "models/simulator/server.ts" },
    ],
    checkout,
  );
  const port = await freePorts();
  gateway = await startServeProcess(
    dir,
    port,
    `
publicUrl: http://127.0.0.1:${port}
listen: ${listenOn(port)}
auth: {embedded: true}
mcp: {servers: {notes: {url: "${samples.urls["notes"]}"}}, routes: {/mcp: {servers: [notes]}}}
a2a: {agents: {writer: {url: "${samples.urls["writer"]}"}}}
models:
  small: {provider: vllm, url: "${samples.urls["model"]}"}
  slow: {provider: vllm, url: "${samples.urls["model"]}", model: "llama-3-8b@itl=100,tokens=1000"}
policies: open
state: memory
drain: {grace: 1s}
`,
  );
}, 60_000);
afterAll(async () => {
  await eventually(async () => expect(await gateway.metric("sallyport_exchanges_in_flight")).toBe(0));
  expect(await gateway.stop()).toBe(0);
  await samples.stop();
  rmSync(dir, { recursive: true, force: true });
});

interface OpenStreams {
  /** Rejects when the stream of that protocol ends with an error; a clean end resolves. */
  readonly llm: Promise<unknown>;
  readonly a2a: Promise<unknown>;
  readonly mcpCall: Promise<unknown>;
  readonly mcpSubscription: Promise<"local" | "graceful" | "remote">;
  /** What the client of an MCP session, which only listens, runs into. */
  readonly mcpListening: Promise<Error>;
  close(): Promise<void>;
}

/** Opens one stream of each kind and waits until each has shown a sign of life. */
async function openStreams(credential: string): Promise<OpenStreams> {
  const requestInit = { headers: { authorization: `Bearer ${credential}` } };
  const mcp = new URL(`${gateway.url}/mcp`);
  const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: credential, maxRetries: 0 });
  const messages = [{ role: "user" as const, content: "Count." }];
  const chunks = (await openai.chat.completions.create({ model: "slow", messages, stream: true }))[
    Symbol.asyncIterator
  ]();
  await chunks.next();

  const agent = await officialClient(`${gateway.url}/a2a/writer`, credential);
  const notes = "a. b. c. d. e. f. g. h. i. j. k. l. m. n. o. p.";
  const events = agent.sendMessageStream(textMessage(notes, { metadata: { paceMs: 2_000 } }));
  await events.next();

  const caller = new Client({ name: "revocation", version: "1.0.0" });
  const transport = new StreamableHTTPClientTransport(mcp, {
    requestInit,
    reconnectionOptions: {
      initialReconnectionDelay: 50,
      maxReconnectionDelay: 50,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 3,
    },
  });
  const mcpListening = new Promise<Error>((resolve) => {
    caller.onerror = (error) => {
      if (error.message.includes("401") || error.message.includes("nauthorized")) resolve(error);
    };
  });
  await caller.connect(transport);
  let begin = (): void => {};
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const args = { name: "reindex", arguments: { steps: 50, stepMs: 500 } };
  const mcpCall = caller.callTool(args, undefined, { onprogress: () => begin() });
  await begun;

  const listener = new StatelessClient(
    { name: "revocation", version: "1.0.0" },
    { versionNegotiation: { mode: { pin: "2026-07-28" } } },
  );
  await listener.connect(new StatelessTransport(mcp, { requestInit }));
  const subscription = await listener.listen({ toolsListChanged: true });
  const streams = {
    llm: (async () => {
      for (let next = await chunks.next(); !next.done; next = await chunks.next());
    })(),
    a2a: collect(events),
    mcpCall,
    mcpSubscription: subscription.closed,
    mcpListening,
    async close() {
      await Promise.allSettled([caller.close(), listener.close()]);
    },
  };
  for (const stream of [streams.llm, streams.a2a, streams.mcpCall]) stream.catch(() => undefined);
  return streams;
}

async function expectAllEnded(streams: OpenStreams, reason: RegExp): Promise<void> {
  await expect(streams.llm).rejects.toThrow(reason);
  await expect(streams.a2a).rejects.toThrow(reason);
  await expect(streams.mcpCall).rejects.toThrow(reason);
  expect(await streams.mcpSubscription).toBe("remote");
  expect((await streams.mcpListening).message).toMatch(/401|[Uu]nauthorized/);
  await streams.close();
}

async function issueKey(request: Readonly<Record<string, unknown>>): Promise<{ id: string; key: string }> {
  const answer = await gateway.admin("/api/keys", { method: "POST", body: JSON.stringify({ name: "ci", ...request }) });
  return (await answer.json()) as { id: string; key: string };
}

/* Side by side: each waits for the gateway's next look at what is open. */
test.concurrent("what an API key opened ends with an error its client sees once the key is revoked", async () => {
  const { id, key } = await issueKey({});
  const streams = await openStreams(key);
  expect((await gateway.admin(`/api/keys/${id}`, { method: "DELETE" })).status).toBe(204);
  const refused = await fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  expect(refused.status).toBe(401);
  await expectAllEnded(streams, /no longer valid/);
}, 40_000);

test.concurrent("what a token opened ends likewise once its client is deleted", async () => {
  const made = await gateway.admin("/api/clients", { method: "POST", body: JSON.stringify({ label: "App" }) });
  const { id, secret } = (await made.json()) as { id: string; secret: string };
  const streams = await openStreams(await gateway.token(id, secret));
  expect((await gateway.admin(`/api/clients/${id}`, { method: "DELETE" })).status).toBe(204);
  await expectAllEnded(streams, /no longer valid/);
}, 40_000);

test.concurrent("what a credential opened ends likewise once it expires", async () => {
  const { key } = await issueKey({ expires: "8s" });
  await expectAllEnded(await openStreams(key), /expired/);
}, 40_000);
