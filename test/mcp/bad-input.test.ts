import { afterAll, beforeAll, expect, test } from "vitest";
import { startHarness } from "./harness.ts";
import type { Harness } from "./harness.ts";
import { ENVELOPE, JSON_TYPES, raw, startSession, stateless } from "./raw-client.ts";
import { startServer } from "./start-server.ts";
import type { RunningServer } from "./start-server.ts";

let clock: RunningServer;
let gateway: Harness;

beforeAll(async () => {
  clock = await startServer("tools/clock/server.ts");
  gateway = await startHarness({
    mcp: {
      servers: { clock: { url: clock.url } },
      routes: { "/mcp": { servers: ["clock"] }, "/other": { servers: ["clock"] } },
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await clock.close();
});

interface Case {
  readonly what: string;
  readonly headers?: Record<string, string>;
  readonly body: string;
  readonly status: number;
  readonly code: number;
  readonly id?: unknown;
}

const ping = '{"jsonrpc":"2.0","id":7,"method":"ping"}';
const modern = (method: string, id: string, rest = "") =>
  `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{${rest}${ENVELOPE}}}`;

test.each<Case>([
  { what: "garbage", body: "{nope", status: 400, code: -32700, id: null },
  { what: "a number", body: "7", status: 400, code: -32600, id: null },
  { what: "an array without a session", body: `[${ping}]`, status: 400, code: -32600, id: null },
  { what: "no version of JSON-RPC", body: '{"id":4,"method":"ping"}', status: 400, code: -32600, id: 4 },
  { what: "a null id", body: '{"jsonrpc":"2.0","id":null,"method":"ping"}', status: 400, code: -32600, id: null },
  {
    what: "an object for an id",
    body: '{"jsonrpc":"2.0","id":{},"method":"ping"}',
    status: 400,
    code: -32600,
    id: null,
  },
  { what: "a number for a method", body: '{"jsonrpc":"2.0","id":5,"method":1}', status: 400, code: -32600, id: 5 },
  {
    what: "an array for params",
    body: '{"jsonrpc":"2.0","id":6,"method":"ping","params":[]}',
    status: 400,
    code: -32600,
    id: 6,
  },
  {
    what: "a message that is neither request nor response",
    body: '{"jsonrpc":"2.0","id":6}',
    status: 400,
    code: -32600,
    id: 6,
  },
  { what: "a request without a session", body: ping, status: 400, code: -32600, id: 7 },
  {
    what: "an unknown session",
    headers: { "mcp-session-id": "made-up" },
    body: ping,
    status: 404,
    code: -32602,
    id: 7,
  },
  {
    what: "a version nobody knows",
    headers: { "mcp-protocol-version": "1999-01-01" },
    body: ping,
    status: 400,
    code: -32022,
    id: 7,
  },
  {
    what: "an envelope of an unknown version",
    headers: { ...stateless("server/discover"), "mcp-protocol-version": "v9" },
    body: modern("server/discover", "8").replace("2026-07-28", "v9"),
    status: 400,
    code: -32022,
    id: 8,
  },
  {
    what: "a header that disagrees on the method",
    headers: stateless("tools/list"),
    body: modern("server/discover", "9"),
    status: 400,
    code: -32020,
    id: 9,
  },
  {
    what: "a header that disagrees on the name",
    headers: stateless("tools/call", "a"),
    body: modern("tools/call", "10", '"name":"b",'),
    status: 400,
    code: -32020,
    id: 10,
  },
  {
    what: "a name header that is missing",
    headers: stateless("tools/call"),
    body: modern("tools/call", "11", '"name":"b",'),
    status: 400,
    code: -32020,
    id: 11,
  },
  {
    what: "a method that 2026-07-28 removed",
    headers: stateless("ping"),
    body: modern("ping", "12"),
    status: 404,
    code: -32601,
    id: 12,
  },
  {
    what: "a method nobody knows",
    headers: stateless("no/such"),
    body: modern("no/such", '"13"'),
    status: 404,
    code: -32601,
    id: "13",
  },
  {
    what: "an Accept header without event streams",
    headers: { accept: "application/json" },
    body: ping,
    status: 406,
    code: -32600,
    id: null,
  },
])("answers $what in its own error shape", async ({ headers, body, status, code, id }) => {
  const answer = await raw(gateway.url(), "POST", { ...JSON_TYPES, ...headers }, body);
  expect(answer.status).toBe(status);
  const parsed = JSON.parse(answer.text) as { id: unknown; error: { code: number; message: string } };
  expect(parsed.error.code).toBe(code);
  expect(parsed.error.message).not.toBe("");
  if (id !== undefined) expect(parsed.id).toEqual(id);
});

test("does not insist on an Accept header", async () => {
  const answer = await raw(
    gateway.url(),
    "POST",
    { ...stateless("server/discover"), accept: "*/*" },
    modern("server/discover", "1"),
  );
  expect(answer.status).toBe(200);
});

test.each(["GET", "DELETE"])(
  "answers %s without a session with 405, so that clients looking for an older transport go on",
  async (method) => {
    const answer = await raw(gateway.url(), method, { accept: "text/event-stream" });
    expect(answer.status).toBe(405);
    expect(answer.headers["allow"]).toBe("POST");
    expect(JSON.parse(answer.text)).toMatchObject({ jsonrpc: "2.0", id: null });
  },
);

test("takes arrays in a session of 2025-03-26 and in no other", async () => {
  const old = await startSession(gateway.url(), "2025-03-26");
  const batch =
    '[{"jsonrpc":"2.0","id":"a","method":"ping"},{"jsonrpc":"2.0","method":"notifications/initialized"},{"jsonrpc":"2.0","id":2,"method":"nope"}]';
  const answer = await raw(gateway.url(), "POST", old, batch);
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.text)).toMatchObject([
    { id: "a", result: {} },
    { id: 2, error: { code: -32601 } },
  ]);
  expect((await raw(gateway.url(), "POST", await startSession(gateway.url()), batch)).status).toBe(400);
});

test("answers notifications with 202 and nothing", async () => {
  const answer = await raw(
    gateway.url(),
    "POST",
    await startSession(gateway.url()),
    '{"jsonrpc":"2.0","method":"notifications/initialized"}',
  );
  expect(answer).toMatchObject({ status: 202, text: "" });
});

test("refuses a cursor it did not give", async () => {
  const session = await startSession(gateway.url());
  const answer = await raw(
    gateway.url(),
    "POST",
    session,
    '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"bogus"}}',
  );
  expect(JSON.parse(answer.text)).toMatchObject({ id: 1, error: { code: -32602 } });
});

test("negotiates a version it knows where the client asks for one it does not", async () => {
  const body =
    '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2099-01-01","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}';
  const answer = await raw(gateway.url(), "POST", JSON_TYPES, body);
  expect(JSON.parse(answer.text)).toMatchObject({ id: 0, result: { protocolVersion: "2025-11-25" } });
});
