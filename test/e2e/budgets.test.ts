import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkout } from "../../src/cli/quickstart-place.ts";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import { type RunningSamples, startSamples } from "../../src/cli/samples.ts";
import { rpc } from "../a2a/clients.ts";
import { type ServeProcess, startServeProcess } from "./serve-process.ts";

const dir = mkdtempSync(join(tmpdir(), "sallyport-budgets-"));
const key = `sp_${"k".repeat(40)}`;
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
  const yaml = `
publicUrl: http://127.0.0.1:${port}
listen: {port: ${port}, console: {port: ${port + 1}}, health: {host: 127.0.0.1, port: ${port + 2}}}
auth: {keys: {only: {secret: "\${env:KEY}"}}}
mcp: {servers: {clock: {url: "${samples.urls["clock"]}", prices: {add_minutes: "$0.01"}}}, routes: {/mcp: {servers: [clock]}}}
a2a: {agents: {writer: {url: "${samples.urls["writer"]}", price: "$0.05"}}}
models: {small: {provider: vllm, url: "${samples.urls["model"]}", price: {input: "$0", output: "$1000"}}}
policies: open
state: memory
budgets:
  - {name: tools, where: 'mcp.tool.name != ""', limits: ["$0.02/month"]}
  - {name: agents, where: 'a2a.agent == "writer"', limits: ["$0.05/month"]}
  - {name: models, limits: ["1 request/month on small"]}
`;
  gateway = await startServeProcess(dir, port, yaml, { KEY: key });
}, 60_000);
afterAll(async () => {
  expect(await gateway.stop()).toBe(0);
  await samples.stop();
  rmSync(dir, { recursive: true, force: true });
});

test("a tool whose stated price no budget has room for answers with a result that says so", async () => {
  const client = new Client({ name: "e2e", version: "1.0.0" }, { versionNegotiation: { mode: "legacy" } });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), {
      requestInit: { headers: { authorization: `Bearer ${key}` } },
    }),
  );
  const call = () =>
    client.callTool({ name: "add_minutes", arguments: { instant: "2026-07-28T10:00:00Z", minutes: 1 } });
  expect((await call()).isError ?? false).toBe(false);
  expect((await call()).isError ?? false).toBe(false);
  const refused = await call();
  expect(refused.isError).toBe(true);
  expect(JSON.stringify(refused.content)).toContain("The budget tools ($0.02/month) has $0.00 left");
  expect((await client.listTools()).tools.length).toBeGreaterThan(0);
  await client.close();
});

test("an agent's price is charged by message, and asking after its task costs nothing", async () => {
  const params = { message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "Write." }] } };
  const send = () => rpc(`${gateway.url}/a2a/writer`, key, "SendMessage", params);
  const first = await send();
  expect(first.status).toBe(200);
  const refused = await send();
  expect(refused.status).toBe(429);
  expect(refused.headers.get("x-should-retry")).toBe("false");
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(60);
  expect(await refused.json()).toMatchObject({ error: { data: [{ reason: "BUDGET_EXHAUSTED" }] } });
  const { result } = (await first.json()) as { readonly result: { readonly task: { readonly id: string } } };
  const task = await rpc(`${gateway.url}/a2a/writer`, key, "GetTask", { id: result.task.id });
  expect(task.status).toBe(200);
  const report = (await (await gateway.admin("/api/spend?by=tool")).json()) as { lines: readonly object[] };
  expect(report.lines).toContainEqual(expect.objectContaining({ name: "writer", calls: 1, costNanos: 50_000_000 }));
  expect(JSON.stringify(report)).not.toContain(result.task.id);
  const spent = (target: string) => gateway.metric(`sallyport_spend_dollars_total{tenant="",target="${target}"}`);
  expect([await spent("writer"), await spent("clock/add_minutes")]).toEqual([0.05, 0.02]);
});

test("a client of Anthropic's dialect gets its own shape of the refusal", async () => {
  const ask = () =>
    fetch(`${gateway.url}/v1/messages`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": key, "anthropic-version": "2023-06-01" },
      body: JSON.stringify({ model: "small", max_tokens: 9, messages: [{ role: "user", content: "hi" }] }),
    });
  expect((await ask()).status).toBe(200);
  const refused = await ask();
  expect(refused.status).toBe(429);
  expect(await refused.json()).toMatchObject({ type: "error", error: { type: "rate_limit_error" } });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(60);
});
