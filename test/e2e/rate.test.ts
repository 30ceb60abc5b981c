import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import { checkout } from "../../src/cli/quickstart-place.ts";
import { startSamples, type RunningSamples } from "../../src/cli/samples.ts";
import { rpc } from "../a2a/clients.ts";
import { startServeProcess, type ServeProcess } from "./serve-process.ts";

const dir = mkdtempSync(join(tmpdir(), "sallyport-rate-"));
const keys = { mcp: `sp_${"m".repeat(40)}`, a2a: `sp_${"a".repeat(40)}`, llm: `sp_${"l".repeat(40)}` };
let samples: RunningSamples;
let gateway: ServeProcess;

beforeAll(async () => {
  const list = [
    { name: "clock", script: "tools/clock/server.ts" },
    { name: "writer", script: "agents/writer/server.ts" },
    { name: "model", script: "models/simulator/server.ts" },
  ];
  samples = await startSamples(list, checkout);
  const port = await freePorts();
  const entries = Object.entries(keys).map(([name]) => `${name}: {secret: "\${env:KEY_${name.toUpperCase()}}"}`);
  const yaml = `
publicUrl: http://127.0.0.1:${port}
listen: {port: ${port}, console: {port: ${port + 1}}, health: {host: 127.0.0.1, port: ${port + 2}}}
auth: {keys: {${entries.join(", ")}}}
admission: {rate: 2 requests/h}
mcp: {servers: {clock: {url: "${samples.urls["clock"]}"}}, routes: {/mcp: {servers: [clock]}}}
a2a: {agents: {writer: {url: "${samples.urls["writer"]}"}}}
models: {small: {provider: vllm, url: "${samples.urls["model"]}"}}
policies: open
state: memory
`;
  const env = Object.fromEntries(Object.entries(keys).map(([name, key]) => [`KEY_${name.toUpperCase()}`, key]));
  gateway = await startServeProcess(dir, port, yaml, env);
}, 60_000);
afterAll(async () => {
  expect(await gateway.stop()).toBe(0);
  await samples.stop();
  rmSync(dir, { recursive: true, force: true });
});

test("a caller who is too fast gets a 429 that the OpenAI SDK understands and does not hammer", async () => {
  const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: keys.llm, maxRetries: 0 });
  const ask = () => openai.chat.completions.create({ model: "small", messages: [{ role: "user", content: "hi" }] });
  await ask();
  await ask();
  const refused = await ask().catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(OpenAI.RateLimitError);
  if (!(refused instanceof OpenAI.RateLimitError)) return;
  expect(refused.type).toBe("rate_limit_error");
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(1_000);
  expect(refused.headers.get("x-ratelimit-remaining-requests")).toBe("0");
  /* The wait is longer than any client waits, so retrying would only hammer. */
  expect(refused.headers.get("x-should-retry")).toBe("false");
});

test("an agent that calls tools too fast is told so in a tool's result, and may still list and connect", async () => {
  const transport = () =>
    new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), {
      requestInit: { headers: { authorization: `Bearer ${keys.mcp}` } },
    });
  const client = new Client({ name: "e2e", version: "1.0.0" }, { versionNegotiation: { mode: "legacy" } });
  await client.connect(transport());
  const call = () =>
    client.callTool({ name: "add_minutes", arguments: { instant: "2026-07-28T10:00:00Z", minutes: 1 } });
  expect((await call()).isError ?? false).toBe(false);
  expect((await call()).isError ?? false).toBe(false);
  const refused = await call();
  expect(refused.isError).toBe(true);
  expect(JSON.stringify(refused.content)).toContain("Try again in");
  expect((await client.listTools()).tools.length).toBeGreaterThan(0);
  await client.close();
});

test("an A2A caller gets a JSON-RPC error with 429 and retry-after", async () => {
  const params = { message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "Write." }] } };
  const send = () => rpc(`${gateway.url}/a2a/writer`, keys.a2a, "SendMessage", params);
  expect((await send()).status).toBe(200);
  expect((await send()).status).toBe(200);
  const refused = await send();
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(1_000);
  expect(await refused.json()).toMatchObject({ id: 1, error: { data: [{ reason: "RATE_LIMITED" }] } });
});
