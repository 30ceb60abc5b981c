import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import { checkout } from "../../src/cli/quickstart-place.ts";
import { startSamples, type RunningSamples } from "../../src/cli/samples.ts";
import { officialClient, rpc, textMessage } from "../a2a/clients.ts";
import { startServeProcess } from "./serve-process.ts";

let samples: RunningSamples;
const dir = mkdtempSync(join(tmpdir(), "sallyport-crash-"));

beforeAll(async () => {
  const list = [
    { name: "notes", script: "tools/notes/server.ts" },
    { name: "writer", script: "agents/writer/server.ts" },
    { name: "model", script: "models/simulator/server.ts" },
  ];
  samples = await startSamples(list, checkout);
}, 60_000);
afterAll(async () => {
  await samples.stop();
  rmSync(dir, { recursive: true, force: true });
});

const config = (port: number) => `
publicUrl: http://127.0.0.1:${port}
listen: {port: ${port}, console: {port: ${port + 1}}, health: {host: 127.0.0.1, port: ${port + 2}}}
auth:
  embedded: {clients: {app: {secret: "\${env:APP_SECRET}", groups: [analyst]}}}
mcp: {servers: {notes: {url: "${samples.urls["notes"]}"}}, routes: {/mcp: {servers: [notes]}}}
a2a: {agents: {writer: {url: "${samples.urls["writer"]}"}}}
models: {small: {provider: vllm, url: "${samples.urls["model"]}"}}
policies: open
state: ./state.db
`;

test("after kill -9 and a restart everything that was said to be so still is", async () => {
  const port = await freePorts();
  const secret = crypto.randomUUID() + crypto.randomUUID();
  const start = () => startServeProcess(dir, port, config(port), { APP_SECRET: secret });
  const admin = async (path: string, init: RequestInit = {}) => {
    const token = readFileSync(join(dir, "admin-token"), "utf8").trim();
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    return fetch(`http://127.0.0.1:${port + 1}${path}`, { ...init, headers });
  };

  const before = await start();
  const url = before.url;
  const token = await tokenOf(url, "app", secret);
  const registered = await register(url);
  const { id: keyId, key } = (await (
    await admin("/api/keys", { method: "POST", body: JSON.stringify({ name: "ci" }) })
  ).json()) as { id: string; key: string };
  const jwks = await (await fetch(`${url}/oauth/jwks`)).text();

  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  });
  const mcp = new Client({ name: "crash", version: "1.0.0" });
  await mcp.connect(transport);
  await mcp.callTool({ name: "write_note", arguments: { id: "9", text: "still here" } });

  const a2a = await officialClient(`${url}/a2a/writer`, token);
  const task = await a2a.sendMessage(textMessage("Write one line."));
  const taskId = "id" in task ? task.id : "";
  await delay(300); // longer than the journal's stated crash window of 100 ms

  await before.kill();
  const after = await start();

  // the token, and the keys it was signed with
  expect((await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  expect(await (await fetch(`${url}/oauth/jwks`)).text()).toBe(jwks);
  // a client that registered itself
  expect((await authorization(url, registered.client_id)).status).toBe(303);
  expect((await authorization(url, "unheard-of")).status).toBe(400);
  // an API key
  expect((await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status).toBe(200);
  expect(JSON.stringify(await (await admin("/api/keys")).json())).toContain(keyId);
  // the MCP session: the same client goes on without a handshake
  const sessionId = transport.sessionId;
  expect(JSON.stringify(await mcp.callTool({ name: "read_note", arguments: { id: "9" } }))).toContain("still here");
  expect(transport.sessionId).toBe(sessionId);
  // the owner of a task
  const get = async (bearer: string) => (await rpc(`${url}/a2a/writer`, bearer, "GetTask", { id: taskId })).json();
  expect(await get(token)).toMatchObject({ result: { id: taskId } });
  expect(await get(key)).toMatchObject({ error: { code: -32001 } });
  // the journal
  const { records } = (await (await admin("/api/journal?limit=100")).json()) as { records: { method: string }[] };
  expect(records.map((record) => record.method)).toEqual(expect.arrayContaining(["tools/call", "SendMessage"]));

  await mcp.close();
  expect(await after.stop()).toBe(0);
}, 90_000);

async function tokenOf(url: string, client: string, secret: string): Promise<string> {
  const response = await fetch(`${url}/oauth/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${client}:${secret}`).toString("base64")}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

interface Registered {
  readonly client_id: string;
}

async function register(url: string): Promise<Registered> {
  const response = await fetch(`${url}/oauth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      redirect_uris: ["http://127.0.0.1:7777/cb"],
      client_name: "cli",
      token_endpoint_auth_method: "none",
    }),
  });
  expect(response.status).toBe(201);
  return (await response.json()) as Registered;
}

/** Whether the server still knows a client: its authorization request is taken up, not refused as from an unknown client. */
function authorization(url: string, client_id: string): Promise<Response> {
  const query = new URLSearchParams({
    client_id,
    response_type: "code",
    redirect_uri: "http://127.0.0.1:7777/cb",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
    state: "s",
  });
  return fetch(`${url}/oauth/authorize?${query}`, { redirect: "manual" });
}
