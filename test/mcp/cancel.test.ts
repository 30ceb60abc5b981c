import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { silentLog } from "../../src/core/log.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import type { Store } from "../../src/state/store.ts";
import { startHarness } from "./harness.ts";
import type { Harness } from "./harness.ts";
import { connectModern } from "./clients.ts";
import { raw, startSession } from "./raw-client.ts";
import { reply, startRawServer } from "./raw-server.ts";
import type { RawServer } from "./raw-server.ts";

let server: RawServer;
let gateway: Harness;
let closed = 0;

beforeAll(async () => {
  server = await startRawServer(({ message }, response) => {
    if (message.method === "tools/list")
      return reply(
        response,
        `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":{"resultType":"complete","ttlMs":60000,"cacheScope":"public","tools":[{"name":"wait","inputSchema":{"type":"object"}}]}}`,
      );
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    response.once("close", () => (closed += 1));
  });
  gateway = await startHarness({
    mcp: { servers: { raw: { url: server.url } }, routes: { "/mcp": { servers: ["raw"] } } },
  });
});

afterAll(async () => {
  await gateway.close();
  await server.close();
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 100 && !holds(); tries += 1) await delay(20);
  expect(holds()).toBe(true);
}

const waiting = () => server.requests.filter(({ message }) => message.method === "tools/call").length;

test("a stateless client that goes away takes its call at the server with it", async () => {
  const before = { closed, waiting: waiting() };
  const client = await connectModern(gateway.url());
  const controller = new AbortController();
  const call = client.callTool({ name: "wait", arguments: {} }, { signal: controller.signal });
  await Promise.all([
    expect(call).rejects.toThrow(),
    until(() => waiting() === before.waiting + 1).then(() => controller.abort()),
  ]);
  await until(() => closed === before.closed + 1);
  await until(() => gateway.seen.every(({ outcome }) => outcome !== undefined));
  await client.close();
});

test("a session-era cancellation ends the call at the server, under the very id the client used", async () => {
  const before = { closed, waiting: waiting() };
  const session = await startSession(gateway.url());
  const call = raw(
    gateway.url(),
    "POST",
    session,
    '{"jsonrpc":"2.0","id":"c-1","method":"tools/call","params":{"name":"wait"}}',
  );
  await until(() => waiting() === before.waiting + 1);
  const other = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"c-2"}}';
  await raw(gateway.url(), "POST", session, other);
  expect(closed).toBe(before.closed);
  await raw(gateway.url(), "POST", session, other.replace("c-2", "c-1"));
  await until(() => closed === before.closed + 1);
  expect(await call).toMatchObject({ status: 200, text: "" });
});

test("a session-era client that goes away while its session is looked up has nothing done at the server", async () => {
  const memory = createMemoryStore({ clock: systemClock, log: silentLog });
  const config = { servers: { raw: { url: server.url } }, routes: { "/mcp": { servers: ["raw"] } } };
  const first = await startHarness({ mcp: config, store: memory });
  let lookUp = async () => {};
  const second = await startHarness({
    mcp: config,
    store: {
      ...memory,
      async get<T>(...all: Parameters<Store["get"]>) {
        await lookUp();
        return await memory.get<T>(...all);
      },
    },
  });
  const session = await startSession(first.url());
  await raw(second.url(), "POST", await startSession(second.url()), '{"jsonrpc":"2.0","id":1,"method":"tools/list"}');
  const before = { waiting: waiting(), seen: second.seen.length };
  const body = '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"wait"}}';
  const client = request(second.url(), { method: "POST", headers: session }).on("error", () => {});
  lookUp = async () => {
    lookUp = async () => {};
    client.destroy();
    // Time for the gateway to see the connection close.
    await delay(50);
  };
  client.end(body);
  await until(() => second.seen.length > before.seen && second.seen.every(({ outcome }) => outcome !== undefined));
  expect(second.seen.at(-1)).toMatchObject({ outcome: "aborted" });
  expect(waiting()).toBe(before.waiting);
  await Promise.all([first.close(), second.close()]);
  await memory.close();
});
