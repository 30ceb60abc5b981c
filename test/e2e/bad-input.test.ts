import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import { startServeProcess, type ServeProcess } from "./serve-process.ts";

const dir = mkdtempSync(join(tmpdir(), "sallyport-bad-"));
const key = `sp_${"k".repeat(40)}`;
let gateway: ServeProcess;
let port: number;

/* Nothing listens on port 1: every upstream here is dead. */
const configuration = (first: number) => `
publicUrl: http://127.0.0.1:${first}
listen: {port: ${first}, console: {port: ${first + 1}}, health: {host: 127.0.0.1, port: ${first + 2}}}
auth: {keys: {tester: {secret: "\${env:TEST_KEY}"}}}
mcp: {servers: {gone: {url: "http://127.0.0.1:1/mcp"}}, routes: {/mcp: {servers: [gone]}}}
a2a: {agents: {gone: {url: "http://127.0.0.1:1/", versions: ["1.0"]}}}
models: {gone: {provider: vllm, url: "http://127.0.0.1:1"}}
policies: open
state: memory
`;

beforeAll(async () => {
  port = await freePorts();
  gateway = await startServeProcess(dir, port, configuration(port), { TEST_KEY: key });
}, 60_000);
afterAll(async () => {
  expect(await gateway.stop()).toBe(0);
  rmSync(dir, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Record<string, unknown>;
}

/** Sends exactly these headers and bytes; fetch would correct some of them. */
function send(path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: "127.0.0.1",
        port,
        path,
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          authorization: `Bearer ${key}`,
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const json =
            text.startsWith("event:") || text.startsWith("data:") ? text.replace(/^[\s\S]*?data: ?/, "") : text;
          try {
            resolve({
              status: response.statusCode ?? 0,
              type: response.headers["content-type"] ?? "",
              body: JSON.parse(json) as Record<string, unknown>,
            });
          } catch {
            reject(new Error(`not JSON: ${response.statusCode} ${text.slice(0, 200)}`));
          }
        });
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

const modern = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};
const mcpHeaders = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "t" };
const a2aHeaders = { "a2a-version": "1.0" };
const mcpCall = JSON.stringify({
  jsonrpc: "2.0",
  id: 7,
  method: "tools/call",
  params: { name: "t", arguments: {}, _meta: modern },
});
const a2aSend = JSON.stringify({
  jsonrpc: "2.0",
  id: 7,
  method: "SendMessage",
  params: { message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "x" }] } },
});
const chat = JSON.stringify({ model: "gone", messages: [{ role: "user", content: "x" }] });

const protocols = [
  { name: "MCP", path: "/mcp", headers: mcpHeaders, good: mcpCall, limit: 4_194_304, shape: "rpc" },
  { name: "A2A", path: "/a2a/gone", headers: a2aHeaders, good: a2aSend, limit: 4_194_304, shape: "rpc" },
  { name: "LLM", path: "/v1/chat/completions", headers: {}, good: chat, limit: 33_554_432, shape: "openai" },
] as const;

function expectShape(shape: "rpc" | "openai", { body, type }: Answer): void {
  expect(type).toMatch(/^(application\/json|text\/event-stream)/);
  const expected =
    shape === "rpc"
      ? { jsonrpc: "2.0", error: { code: expect.any(Number), message: expect.any(String) } }
      : { error: { message: expect.any(String), type: expect.any(String) } };
  expect(body).toMatchObject(expected);
  const message = (body["error"] as { message: string }).message;
  expect(message.length).toBeGreaterThan(10);
  expect(JSON.stringify(body)).not.toMatch(/ECONNREFUSED|127\.0\.0\.1:1\b|\bat .+\.ts:\d+|node:internal|undefined/);
}

describe.each(protocols)("$name answers in its own error shape", ({ path, headers, good, limit, shape }) => {
  test.for<[string, string | Buffer, Record<string, string>, number[]]>([
    ["garbage instead of JSON", "{nope", {}, [400]],
    ["an empty body", "", {}, [400]],
    ["two values", `${good}${good}`, {}, [400]],
    ["a duplicate key", good.replace("{", '{"id":1,"id":2,"model":"a","model":"b",'), {}, [400]],
    ["JSON nested too deep", `${'{"a":'.repeat(200)}1${"}".repeat(200)}`, {}, [413]],
    ["text that is not UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), {}, [400]],
    ["a number where an object belongs", "42", {}, [400]],
    ["wrong types", '{"jsonrpc":2,"id":{},"method":[],"params":7,"model":{},"messages":"hi"}', {}, [400]],
    ["another content type", good, { "content-type": "text/plain" }, [415]],
    ["a compressed body", good, { "content-encoding": "gzip" }, [415]],
    ["a token that is not one", good, { authorization: "Bearer nonsense" }, [401]],
    ["no credential", good, { authorization: "" }, [401]],
    ["a host that is not ours", good, { host: "evil.example" }, [421]],
    ["an origin that is not ours", good, { origin: "https://evil.example" }, [403]],
  ])("to %s", async ([, body, extra, statuses]) => {
    const answer = await send(path, body, { ...headers, ...extra });
    expect(statuses).toContain(answer.status);
    expectShape(shape, answer);
  });

  test("to a body over its limit", async () => {
    const answer = await send(path, Buffer.alloc(limit + 1, 0x20), headers).catch(
      (error: NodeJS.ErrnoException) => error.code,
    );
    /* The connection may break while the rest is still being sent; what is never right is a success. */
    if (typeof answer === "object") {
      expect(answer.status).toBe(413);
      expectShape(shape, answer);
    } else expect(["EPIPE", "ECONNRESET"]).toContain(answer);
  });

  test("to a dead upstream, quickly and without a word about its address", async () => {
    const answer = await send(path, good, headers);
    if (shape === "openai") expect(answer.status).toBe(502);
    expectShape(shape, answer);
  });
});

test.for([
  [
    "/mcp",
    JSON.stringify({ jsonrpc: "2.0", id: 7, method: "no/such", params: { _meta: modern } }),
    { ...mcpHeaders, "mcp-method": "no/such" },
  ],
  ["/a2a/gone", JSON.stringify({ jsonrpc: "2.0", id: 7, method: "NoSuch", params: {} }), a2aHeaders],
] as const)("an unknown method at %s is -32601 under the id of the request", async ([path, body, headers]) => {
  expect((await send(path, body, headers)).body).toMatchObject({ id: 7, error: { code: -32601 } });
});

test("an unknown path is a 404 that a client can read", async () => {
  const answer = await send("/v2/anything", chat);
  expect(answer.status).toBe(404);
  expectShape("openai", answer);
});

test("after all of that the gateway is as it was", async () => {
  const health = `http://127.0.0.1:${port + 2}`;
  expect((await fetch(`${health}/readyz`)).status).toBe(200);
  const metrics = await (await fetch(`${health}/metrics`)).text();
  expect(metrics).toMatch(/sallyport_exchanges_in_flight 0\n/);
  expect(gateway.output()).not.toContain('"kind":"internal"');
  expect(gateway.output()).not.toContain("failed inside the gateway");
});
