import { afterAll, beforeAll, expect, test } from "vitest";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { systemClock } from "../../src/core/clock.ts";
import { GatewayError } from "../../src/core/errors.ts";
import { silentLog } from "../../src/core/log.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import type { Store } from "../../src/state/store.ts";
import { connectLegacy } from "./clients.ts";
import { startHarness } from "./harness.ts";
import type { Harness } from "./harness.ts";
import { raw, startSession } from "./raw-client.ts";
import { startServer } from "./start-server.ts";
import type { RunningServer } from "./start-server.ts";

let notes: RunningServer;
let gateway: Harness;

const configFor = (url: string, sessions = {}) => ({
  servers: { notes: { url } },
  routes: { "/mcp": { servers: ["notes"] }, "/other": { servers: ["notes"] } },
  sessions,
});
const upstreamSessions = async () =>
  ((await (await fetch(new URL("/sessions", notes.url))).json()) as { sessions: number }).sessions;
const call = (id: number, name: string, args: object) =>
  JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args } });

beforeAll(async () => {
  notes = await startServer("tools/notes/server.ts");
  gateway = await startHarness({ mcp: configFor(notes.url) });
});

afterAll(async () => {
  await gateway.close();
  await notes.close();
});

test("gives every client session a session of its own at the server", async () => {
  const [one, other] = await Promise.all([connectLegacy(gateway.url()), connectLegacy(gateway.url())]);
  await one.client.callTool({ name: "write_note", arguments: { id: "mine", text: "only here" } });
  expect((await one.client.callTool({ name: "read_note", arguments: { id: "mine" } })).isError ?? false).toBe(false);
  expect((await other.client.callTool({ name: "read_note", arguments: { id: "mine" } })).isError).toBe(true);
  await Promise.all([one.transport.terminateSession(), other.transport.terminateSession()]);
  await Promise.all([one.client.close(), other.client.close()]);
});

test("knows a session only from its own principal and on its own route", async () => {
  const session = await startSession(gateway.url(), "2025-11-25", "alice");
  const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
  const stranger = { ...session, "x-test-principal": "mallory" };
  const unknown = { ...stranger, "mcp-session-id": "0".repeat(52) };
  const [own, foreign, made, elsewhere] = await Promise.all([
    raw(gateway.url(), "POST", session, ping),
    raw(gateway.url(), "POST", stranger, ping),
    raw(gateway.url(), "POST", unknown, ping),
    raw(gateway.url("/other"), "POST", session, ping),
  ]);
  expect(own.status).toBe(200);
  expect(foreign.status).toBe(404);
  expect(foreign.text).toBe(made.text);
  expect(elsewhere.status).toBe(404);
  expect((await raw(gateway.url(), "DELETE", stranger)).status).toBe(404);
  expect((await raw(gateway.url(), "POST", session, ping)).status).toBe(200);
});

test("goes on with a session, at the server too, after the gateway died and came back", async () => {
  const store = createMemoryStore({ clock: systemClock, log: silentLog });
  const first = await startHarness({ mcp: configFor(notes.url), store });
  const session = await startSession(first.url());
  await raw(first.url(), "POST", session, call(2, "write_note", { id: "kept", text: "still here" }));
  const second = await startHarness({ mcp: configFor(notes.url), store });
  const answer = await raw(second.url(), "POST", session, call(3, "read_note", { id: "kept" }));
  expect(JSON.parse(answer.text.replace(/^event.*\ndata: /, ""))).toMatchObject({
    id: 3,
    result: { content: [{ text: "still here" }] },
  });
  expect((await raw(second.url(), "DELETE", session)).status).toBe(204);
  await Promise.all([first.close(), second.close()]);
  await store.close();
});

test("makes an expired session at the server anew, without the client noticing", async () => {
  const own = await startServer("tools/notes/server.ts");
  const port = new URL(own.url).port;
  const through = await startHarness({ mcp: configFor(own.url) });
  const session = await startSession(through.url());
  expect((await raw(through.url(), "POST", session, call(1, "read_note", { id: "note-1" }))).text).toContain(
    "This is note 1.",
  );
  await own.close();
  const again = await startServer("tools/notes/server.ts", "--port", port);
  expect((await raw(through.url(), "POST", session, call(2, "read_note", { id: "note-2" }))).text).toContain(
    "This is note 2.",
  );
  await through.close();
  await again.close();
});

/** Two gateways over one store, both in conversation with the server. `meanwhile` runs once, before the first one next writes. */
async function startReplicas() {
  const memory = createMemoryStore({ clock: systemClock, log: silentLog });
  const hook: { meanwhile?: (() => Promise<unknown>) | undefined } = {};
  const store: Store = {
    ...memory,
    async put(...all) {
      const { meanwhile } = hook;
      hook.meanwhile = undefined;
      await meanwhile?.();
      return await memory.put(...all);
    },
  };
  const first = await startHarness({ mcp: configFor(notes.url), store });
  const second = await startHarness({ mcp: configFor(notes.url), store: memory });
  for (const { url } of [first, second]) {
    const session = await startSession(url());
    await raw(url(), "POST", session, call(1, "read_note", { id: "note-1" }));
    await raw(url(), "DELETE", session);
  }
  const close = async () => {
    await Promise.all([first.close(), second.close()]);
    await memory.close();
  };
  return { first, second, hook, close };
}

test("leaves nothing at the server when the client's session ends while one for it is made there", async () => {
  const { first, second, hook, close } = await startReplicas();
  const before = await upstreamSessions();
  const session = await startSession(first.url());
  let made = 0;
  hook.meanwhile = async () => {
    made = await upstreamSessions();
    expect((await raw(second.url(), "DELETE", session)).status).toBe(204);
  };
  const answer = await raw(first.url(), "POST", session, call(2, "write_note", { id: "late", text: "too late" }));
  expect(answer.text).toContain("This session has ended.");
  expect(made).toBe(before + 1);
  expect(await upstreamSessions()).toBe(before);
  expect((await raw(first.url(), "POST", session, call(3, "read_note", { id: "late" }))).status).toBe(404);
  await close();
});

test("leaves nothing at the server when a replica ends a session for which another has made one there", async () => {
  const { first, second, close } = await startReplicas();
  const before = await upstreamSessions();
  const session = await startSession(first.url());
  // The second reads the record, and trusts it from then on for a while.
  await raw(second.url(), "POST", session, '{"jsonrpc":"2.0","id":1,"method":"ping"}');
  await raw(first.url(), "POST", session, call(2, "read_note", { id: "note-1" }));
  expect(await upstreamSessions()).toBe(before + 1);
  expect((await raw(second.url(), "DELETE", session)).status).toBe(204);
  expect(await upstreamSessions()).toBe(before);
  await close();
});

test("goes on with a session at the server made anew once the store that was down is back", async () => {
  const { first, hook, close } = await startReplicas();
  const before = await upstreamSessions();
  const session = await startSession(first.url());
  hook.meanwhile = () => Promise.reject(new GatewayError("state_unavailable", "The store is down."));
  const failed = await raw(first.url(), "POST", session, call(2, "read_note", { id: "note-1" }));
  expect(failed.text).toContain("The store is down.");
  expect(await upstreamSessions()).toBe(before);
  const answer = await raw(first.url(), "POST", session, call(3, "read_note", { id: "note-1" }));
  expect(answer.text).toContain("This is note 1.");
  expect(await upstreamSessions()).toBe(before + 1);
  await raw(first.url(), "DELETE", session);
  expect(await upstreamSessions()).toBe(before);
  await close();
});

test("leaves nothing at the server when every call has a session of its own", async () => {
  const before = await upstreamSessions();
  for (let round = 0; round < 20; round += 1) {
    const { client, transport } = await connectLegacy(gateway.url());
    await client.callTool({ name: "read_note", arguments: { id: "note-1" } });
    await transport.terminateSession();
    await client.close();
  }
  expect(await upstreamSessions()).toBe(before);
});

test("ends the oldest sessions of a principal that never ends any", async () => {
  const capped = await startHarness({ mcp: configFor(notes.url, { max: 3 }) });
  const sessions: Record<string, string>[] = [];
  for (let count = 0; count < 8; count += 1) sessions.push(await startSession(capped.url()));
  const page = await capped.store.list("mcp_sessions", { limit: 100 });
  expect(page.records.length).toBeLessThanOrEqual(6);
  const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
  expect((await raw(capped.url(), "POST", sessions[0]!, ping)).status).toBe(404);
  expect((await raw(capped.url(), "POST", sessions.at(-1)!, ping)).status).toBe(200);
  await capped.close();
});

test("hands a server's question to the client, and the reply back to the server", async () => {
  const { client } = await connectLegacy(gateway.url(), "tester", { elicitation: {} });
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => ({
    action: "accept" as const,
    content: { answer: `yes to ${params.message}` },
  }));
  const result = await client.callTool({ name: "ask_user", arguments: { question: "Tea?" } });
  expect(JSON.stringify(result.content)).toContain("yes to Tea?");
  await client.close();
});

test("refuses a reply that answers no question of the session", async () => {
  const session = await startSession(gateway.url());
  const answer = await raw(gateway.url(), "POST", session, '{"jsonrpc":"2.0","id":"notes:0","result":{}}');
  expect(answer.status).toBe(400);
});

test("tells a client's standing stream of changes", async () => {
  const { client } = await connectLegacy(gateway.url());
  const changed = new Promise<void>((resolve) => {
    client.fallbackNotificationHandler = async ({ method }) => {
      if (method === "notifications/resources/list_changed") resolve();
    };
  });
  await client.callTool({ name: "write_note", arguments: { id: "fresh", text: "new" } });
  await expect(changed).resolves.toBeUndefined();
  await client.close();
});
