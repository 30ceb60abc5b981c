import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import { checkout } from "../../src/cli/quickstart-place.ts";
import { startSamples, type RunningSamples } from "../../src/cli/samples.ts";
import { startRecordingProxy, type RecordingProxy } from "./recording-proxy.ts";
import { startServeProcess, type ServeProcess } from "./serve-process.ts";

const dir = mkdtempSync(join(tmpdir(), "sallyport-canary-"));
const secret = crypto.randomUUID() + crypto.randomUUID();
const stdioFile = join(dir, "stdio.bytes");
let samples: RunningSamples;
let proxies: Record<string, RecordingProxy>;
let gateway: ServeProcess;
let adminUrl: string;

beforeAll(async () => {
  samples = await startSamples(
    [
      { name: "notes", script: "tools/notes/server.ts" },
      { name: "clock", script: "tools/clock/server.ts" },
      { name: "writer", script: "agents/writer/server.ts" },
      { name: "model", script: "models/simulator/server.ts" },
    ],
    checkout,
  );
  const started = Object.entries(samples.urls).map(
    async ([name, url]) => [name, await startRecordingProxy(url)] as const,
  );
  proxies = Object.fromEntries(await Promise.all(started));
  const port = await freePorts();
  adminUrl = `http://127.0.0.1:${port + 1}`;
  const stdio = `tee ${stdioFile} | ${process.execPath} ${checkout}/tools/files/server.ts --stdio`;
  gateway = await startServeProcess(dir, port, configuration(port, stdio), { APP_SECRET: secret });
}, 60_000);

afterAll(async () => {
  expect(await gateway.stop()).toBe(0);
  await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
  await samples.stop();
  rmSync(dir, { recursive: true, force: true });
});

const configuration = (port: number, stdio: string) => `
publicUrl: http://127.0.0.1:${port}
listen: {port: ${port}, console: {port: ${port + 1}}, health: {host: 127.0.0.1, port: ${port + 2}}}
auth: {embedded: {clients: {app: {secret: "\${env:APP_SECRET}"}}}}
mcp:
  servers:
    notes: {url: "${proxies["notes"]?.url}"}
    clock: {url: "${proxies["clock"]?.url}"}
    files: {command: [sh, -c, "${stdio}"]}
  routes: {/mcp: {servers: [notes, clock, files]}, /mcp/one: {servers: [clock]}}
a2a: {agents: {writer: {url: "${proxies["writer"]?.url}", client: writer}}}
models: {small: {provider: vllm, url: "${proxies["model"]?.url}"}}
policies: open
observability: {log: {level: debug}}
state: memory
`;

interface RouteInfo {
  readonly path: string;
  readonly protocol: "mcp" | "a2a" | "llm";
  readonly methods: readonly string[];
}

const envelope = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};

/** Requests that each reach an upstream of their protocol, or try to. */
const calls: Record<
  RouteInfo["protocol"],
  readonly { path?: string; headers?: Record<string, string>; body: object }[]
> = {
  mcp: [
    rpcCall(
      "tools/call",
      { name: "add_minutes", arguments: { instant: "2026-07-28T10:00:00Z", minutes: 1 } },
      "add_minutes",
    ),
    rpcCall("tools/call", { name: "read_note", arguments: { id: "1" } }, "read_note"),
    rpcCall("tools/call", { name: "read_file", arguments: { path: "notes.md" } }, "read_file"),
    rpcCall("tools/list", {}),
    {
      body: {
        jsonrpc: "2.0",
        id: 1,
        method: "initialize",
        params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "c", version: "1" } },
      },
    },
  ],
  a2a: ["SendMessage", "SendStreamingMessage"].map((method) => ({
    headers: { "a2a-version": "1.0" },
    body: {
      jsonrpc: "2.0",
      id: 1,
      method,
      params: { message: { messageId: crypto.randomUUID(), role: "ROLE_USER", parts: [{ text: "Write." }] } },
    },
  })),
  llm: [
    { path: "/chat/completions", body: { model: "small", messages: [{ role: "user", content: "hi" }] } },
    { path: "/chat/completions", body: { model: "small", stream: true, messages: [{ role: "user", content: "hi" }] } },
    { path: "/embeddings", body: { model: "small", input: "hi" } },
  ],
};

function rpcCall(method: string, params: object, name?: string) {
  return {
    headers: {
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": method,
      ...(name !== undefined && { "mcp-name": name }),
    },
    body: { jsonrpc: "2.0", id: 1, method, params: { ...params, _meta: envelope } },
  };
}

test("no byte of any inbound credential reaches an upstream, a log line or an answer, over every route", async () => {
  const routes = await readRoutes();
  expect(routes.map((route) => route.path)).toEqual(expect.arrayContaining(["/mcp", "/mcp/one", "/a2a/writer", "/v1"]));
  const token = await tokenOf();
  const key = await keyOf();
  const canary = (name: string) => `canary-${name}-${crypto.randomUUID()}`;
  const bad = canary("bad");
  const cookie = canary("cookie");
  const proxyCredential = canary("proxy");
  const inQuery = canary("query");
  const variants: readonly { headers: Record<string, string>; query?: string; good: boolean }[] = [
    { headers: { authorization: `Bearer ${token}` }, good: true },
    { headers: { authorization: `Bearer ${key}` }, good: true },
    { headers: { "x-api-key": key }, good: true },
    {
      headers: {
        authorization: `Bearer ${token}`,
        cookie: `session=${cookie}`,
        "proxy-authorization": `Basic ${proxyCredential}`,
      },
      good: true,
    },
    { headers: { authorization: `Bearer ${bad}` }, good: false },
    { headers: { authorization: `Basic ${bad}` }, good: false },
    { headers: { "x-api-key": bad }, good: false },
    { headers: { authorization: `Bearer ${token}`, "x-api-key": key }, good: false },
    { headers: { authorization: `Bearer ${token}` }, query: `?access_token=${inQuery}`, good: false },
  ];
  const answers: string[] = [];
  const reached = new Map<string, number>();
  for (const route of routes) {
    for (const { headers, query = "", good } of variants) {
      for (const call of calls[route.protocol]) {
        const isPost = route.methods.includes("POST");
        const response = await fetch(`${gateway.url}${route.path}${call.path ?? ""}${query}`, {
          method: isPost ? "POST" : "GET",
          headers: {
            "content-type": "application/json",
            accept: "application/json, text/event-stream",
            ...call.headers,
            ...headers,
          },
          ...(isPost && { body: JSON.stringify(call.body) }),
        });
        if (good && response.ok) reached.set(route.path, (reached.get(route.path) ?? 0) + 1);
        if (!good && isPost) expect([400, 401]).toContain(response.status);
        answers.push(JSON.stringify([...response.headers]) + (await response.text()));
      }
    }
  }
  for (const path of ["/mcp", "/mcp/one", "/a2a/writer", "/v1"]) expect(reached.get(path)).toBeGreaterThan(0);

  const needles = [
    bad,
    cookie,
    proxyCredential,
    inQuery,
    key,
    ...token.split(".").slice(1),
    token.split(".")[2]?.slice(0, 24) ?? "",
    secret,
  ];
  const places = {
    ...Object.fromEntries(
      Object.entries(proxies).map(([name, proxy]) => [`upstream ${name}`, proxy.bytes().toString("latin1")]),
    ),
    "upstream over stdio": readFileSync(stdioFile, "latin1"),
    "the log": gateway.output(),
    "the answers": answers.join("\n"),
  };
  for (const text of Object.values(places)) expect(text.length).toBeGreaterThan(100);
  const leaks = Object.entries(places).flatMap(([place, text]) =>
    needles
      .filter((needle) => text.includes(needle) || text.includes(Buffer.from(needle).toString("base64")))
      .map((needle) => `${place}: ${needle.slice(0, 16)}…`),
  );
  expect(leaks).toEqual([]);
}, 60_000);

async function admin(path: string, init: RequestInit = {}): Promise<unknown> {
  const token = readFileSync(join(dir, "data/admin-token"), "utf8").trim();
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return (await fetch(`${adminUrl}${path}`, { ...init, headers })).json();
}

async function readRoutes(): Promise<readonly RouteInfo[]> {
  return ((await admin("/api/status")) as { routes: readonly RouteInfo[] }).routes;
}

async function keyOf(): Promise<string> {
  return ((await admin("/api/keys", { method: "POST", body: JSON.stringify({ name: "canary" }) })) as { key: string })
    .key;
}

async function tokenOf(): Promise<string> {
  const response = await fetch(`${gateway.url}/oauth/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`app:${secret}`).toString("base64")}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}
