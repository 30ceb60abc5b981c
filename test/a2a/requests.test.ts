import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rpc } from "./clients.ts";
import { startGateway, type TestGateway } from "./harness.ts";
import { json, startRawAgent, task, type RawAgent } from "./raw-agent.ts";

let agent: RawAgent;
let gateway: TestGateway;
let url: string;

beforeEach(async () => {
  agent = await startRawAgent();
  gateway = await startGateway({
    a2a: {
      agents: {
        raw: { url: agent.url, credentials: { bearer: "of-the-gateway" }, client: "raw-client", timeout: "2s" },
        gone: { url: "http://127.0.0.1:9", versions: ["1.0"] },
        "team-a/raw": { url: agent.url },
      },
    },
    onHandoff: (exchange, { client }) => ({
      headers: { "x-sallyport-actor-token": `${exchange.principal.subject} by ${client}` },
      chainToken: `chain of ${client}`,
    }),
  });
  url = `${gateway.url}/a2a/raw`;
});
afterEach(async () => {
  await gateway.close();
  await agent.close();
});

const message = { message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "x" }] } };
const post = (body: string, headers: Record<string, string> = { "a2a-version": "1.0" }) =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer alice", ...headers },
    body,
  });

it("sends the agent the caller's bytes with the token of its chain, and of the headers only the extensions", async () => {
  const body =
    '{ "jsonrpc":"2.0","id":1.0,"method":"SendMessage","params":{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"text":"x"}]},"configuration":{"historyScope":"all","10":12345678901234567890}}}';
  await post(body, {
    "a2a-version": "1.0.1",
    "a2a-extensions": "urn:x",
    cookie: "session=1",
    "x-api-key": "caller",
    "x-forwarded-for": "1.2.3.4",
  });
  const [seen] = agent.seen;
  expect(seen?.body).toBe(
    body.replace('"parts":[{"text":"x"}]', '$&,"metadata":{"sallyport.chain":"chain of raw-client"}'),
  );
  expect(seen?.url).toBe("/rpc");
  expect(seen?.headers).toMatchObject({
    authorization: "Bearer of-the-gateway",
    "a2a-version": "1.0",
    "a2a-extensions": "urn:x",
    "x-sallyport-actor-token": "alice by raw-client",
    traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
  });
  expect(JSON.stringify(seen?.headers)).not.toMatch(/alice"|session|x-api-key|x-forwarded/);
});

it("hands no actor token over with a request that begins no work", async () => {
  agent.answer = (body, response) => json(response, { jsonrpc: "2.0", id: body.id, result: { task: task("t") } });
  await rpc(url, "alice", "SendMessage", message);
  agent.answer = (body, response) => json(response, { jsonrpc: "2.0", id: body.id, result: task("t") });
  await rpc(url, "alice", "GetTask", { id: "t" });
  expect(agent.seen[1]?.headers["x-sallyport-actor-token"]).toBeUndefined();
});

it("passes the agent's answer and the extensions it activated on as they are", async () => {
  const text =
    '{"jsonrpc":"2.0","id":1,"result":{"message":{"messageId":"a","role":"ROLE_AGENT","parts":[],"new":1.0}}}';
  agent.answer = (_body, response) =>
    void response
      .writeHead(200, {
        "content-type": "application/json",
        "a2a-extensions": "urn:x",
        "set-cookie": "a=b",
        server: "secret/1",
      })
      .end(text);
  const response = await rpc(url, "alice", "SendMessage", message);
  expect(await response.text()).toBe(text);
  expect(response.headers.get("a2a-extensions")).toBe("urn:x");
  expect(response.headers.get("set-cookie")).toBeNull();
  expect(response.headers.get("server")).toBeNull();
});

describe("what is wrong with a request is said in JSON-RPC", () => {
  const rows: readonly (readonly [
    name: string,
    body: unknown,
    headers: Record<string, string>,
    status: number,
    error: object,
    id: unknown,
  ])[] = [
    [
      "a batch",
      [{ jsonrpc: "2.0", id: 1, method: "GetTask" }],
      {},
      400,
      { code: -32600, message: expect.stringContaining("batch") },
      null,
    ],
    ["no id", { jsonrpc: "2.0", method: "GetTask" }, {}, 400, { code: -32600 }, null],
    ["an id that is no id", { jsonrpc: "2.0", id: {}, method: "GetTask" }, {}, 400, { code: -32600 }, null],
    ["no version of JSON-RPC", { id: 1, method: "GetTask" }, {}, 400, { code: -32600 }, 1],
    ["a method that is no text", { jsonrpc: "2.0", id: 1, method: 5 }, {}, 400, { code: -32600 }, 1],
    [
      "params that are no object",
      { jsonrpc: "2.0", id: 1, method: "GetTask", params: [1] },
      {},
      200,
      { code: -32602 },
      1,
    ],
    [
      "a task id of the wrong type",
      { jsonrpc: "2.0", id: 1, method: "GetTask", params: { id: 5 } },
      {},
      200,
      { code: -32602, data: [{}, { fieldViolations: [{ field: "id" }] }] },
      1,
    ],
    ["no task id", { jsonrpc: "2.0", id: 1, method: "GetTask", params: {} }, {}, 200, { code: -32602 }, 1],
    ["no message", { jsonrpc: "2.0", id: 1, method: "SendMessage", params: {} }, {}, 200, { code: -32602 }, 1],
    [
      "a tenant",
      { jsonrpc: "2.0", id: 1, method: "SendMessage", params: { ...message, tenant: "other" } },
      {},
      200,
      { code: -32602 },
      1,
    ],
    [
      "an unknown method",
      { jsonrpc: "2.0", id: "x", method: "Explode" },
      {},
      200,
      { code: -32601, data: [{ reason: "METHOD_NOT_FOUND" }] },
      "x",
    ],
    [
      "a method of 0.2",
      { jsonrpc: "2.0", id: 1, method: "tasks/send" },
      { "a2a-version": "" },
      200,
      { code: -32601 },
      1,
    ],
    [
      "a 0.3 method in 1.0",
      { jsonrpc: "2.0", id: 1, method: "message/send", params: message },
      {},
      200,
      { code: -32601, message: expect.stringContaining("send SendMessage") },
      1,
    ],
    [
      "a 1.0 method without a version",
      { jsonrpc: "2.0", id: 1, method: "SendMessage", params: message },
      { "a2a-version": "" },
      200,
      { code: -32601, message: expect.stringContaining("A2A-Version: 1.0") },
      1,
    ],
    [
      "a version nobody speaks",
      { jsonrpc: "2.0", id: 1, method: "SendMessage", params: message },
      { "a2a-version": "2.0" },
      200,
      { code: -32009, data: [{ metadata: { supportedVersions: "1.0, 0.3" } }] },
      1,
    ],
    [
      "a version this agent does not speak",
      { jsonrpc: "2.0", id: 1, method: "message/send", params: message },
      { "a2a-version": "" },
      200,
      { code: -32009, message: expect.stringContaining("A2A-Version: 1.0") },
      1,
    ],
    [
      "push notifications",
      { jsonrpc: "2.0", id: 1, method: "CreateTaskPushNotificationConfig", params: { taskId: "t", url: "https://x" } },
      {},
      200,
      { code: -32003 },
      1,
    ],
    [
      "push in passing",
      {
        jsonrpc: "2.0",
        id: 1,
        method: "SendMessage",
        params: { ...message, configuration: { taskPushNotificationConfig: { url: "https://x" } } },
      },
      {},
      200,
      { code: -32003 },
      1,
    ],
    [
      "an extended card that is not offered",
      { jsonrpc: "2.0", id: 1, method: "GetExtendedAgentCard" },
      {},
      200,
      { code: -32004 },
      1,
    ],
  ];
  it.each(rows)("%s", async (_name, body, headers, status, error, id) => {
    const response = await post(JSON.stringify(body), { "a2a-version": "1.0", ...headers });
    expect(await response.json()).toMatchObject({ jsonrpc: "2.0", id, error });
    expect(response.status).toBe(status);
    expect(agent.seen).toEqual([]);
  });

  it("garbage", async () => {
    const response = await post("{nope");
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ jsonrpc: "2.0", id: null, error: { code: -32700 } });
  });

  it("another verb", async () => {
    const response = await fetch(url, { method: "DELETE" });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
  });
});

it.each(["1.0", "1.0.1", " 1.0 "])("takes the version %j from the query too", async (version) => {
  const response = await fetch(`${url}?A2A-Version=${encodeURIComponent(version)}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "SendMessage", params: message }),
  });
  expect(await response.json()).toMatchObject({ result: {} });
  expect(agent.seen[0]).toMatchObject({ url: "/rpc", headers: { "a2a-version": "1.0" } });
});

it("answers at the address with a slash at its end", async () => {
  const response = await fetch(`${url}/`, {
    method: "POST",
    headers: { "content-type": "application/json", "a2a-version": "1.0" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "SendMessage", params: message }),
  });
  expect(response.status).toBe(200);
});

it("shows policy the skill, the message and the task of a call", async () => {
  agent.answer = (body, response) =>
    json(response, { jsonrpc: "2.0", id: body.id, result: { task: task("t", "ctx", "TASK_STATE_INPUT_REQUIRED") } });
  await rpc(url, "alice", "SendMessage", { message: { ...message.message, metadata: { skill_id: "write" } } });
  expect(gateway.records.at(-1)?.operation).toMatchObject({
    method: "SendMessage",
    mode: "call",
    judged: true,
    target: { kind: "agent", name: "raw" },
    variables: { a2a: { skill: "write", message: { parts: [{ text: "x" }] } } },
  });
  await rpc(url, "alice", "SubscribeToTask", { id: "t" });
  expect(gateway.records.at(-1)?.operation).toMatchObject({
    mode: "stream",
    target: { kind: "task", name: "t", server: "raw" },
    variables: {
      a2a: {
        context: "ctx",
        task: { id: "t", state: "TASK_STATE_INPUT_REQUIRED", owner: "https://issuer.test alice" },
      },
    },
  });
});

it("serves an agent of a namespace below it, its card too, and knows no other there", async () => {
  const at = (path: string, init?: RequestInit) =>
    fetch(`${gateway.url}/a2a/team-a/${path}`, { headers: { authorization: "Bearer alice" }, ...init });
  const card = (await (await at("raw/.well-known/agent-card.json")).json()) as { url?: string };
  expect(JSON.stringify(card)).toContain(`${gateway.url}/a2a/team-a/raw`);
  const send = (path: string) =>
    at(path, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer alice", "a2a-version": "1.0" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "SendMessage", params: message }),
    });
  expect((await send("raw")).status).toBe(200);
  expect((await send("raw/")).status).toBe(200);
  expect(agent.seen).not.toHaveLength(0);
  expect((await send("other")).status).toBe(404);
  expect((await send("raw/below")).status).toBe(404);
});
