import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createStoreLedger } from "../../src/budgets/ledger/store-ledger.ts";
import { silentLog } from "../../src/core/log.ts";
import { type RedisServer, startRedis } from "../state/redis-server.ts";
import { openTestRedis, storeLedger } from "./ledger/ledgers.ts";
import { ask, startScene } from "./scene.ts";
import { longLease, term, testLease } from "./ledger/terms.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const budgets = (policy: string) => `[{ name: day, limits: ["100 requests/day"], onStoreFailure: ${policy} }]`;

/* The journal and everything else go on without the store; only budgets are asked here. */
const change = () => ({ state: server.url });

test("while Redis hangs, a call is refused or let through at once, as its budget says, and counted again when it is back", async () => {
  const start = (policy: string) => startScene(budgets(policy), change());
  const [closed, open, shadow] = [await start("closed"), await start("open"), await start("closed, mode: shadow")];
  for (const scene of [closed, open, shadow]) expect((await ask(scene, "free", "hi")).status).toBe(200);
  server.signal("SIGSTOP");
  const refused = await ask(closed, "free", "hi");
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ error: { code: "state_unavailable" } });
  for (const scene of [open, shadow]) expect((await ask(scene, "free", "hi")).status).toBe(200);
  server.signal("SIGCONT");
  await expect.poll(async () => (await ask(closed, "free", "hi")).status, { timeout: 20_000 }).toBe(200);
  expect((await ask(open, "free", "hi")).status).toBe(200);
  expect((await open.gateway.foundation.metrics.render()).body).toContain('budget_uncounted_total{budget="day"} 1');
  await Promise.all([closed.close(), open.close(), shadow.close()]);
});

test("a caller waits a tenth of a second at most for a store that says nothing", async () => {
  const store = await openTestRedis(server);
  const ledger = createStoreLedger({ store, lease: testLease, log: silentLog, timeoutMs: 80 });
  const limit = term("hung", 10);
  await ledger.reserve(ledger.open("first", [limit]), [1]);
  server.signal("SIGSTOP");
  const outcome = await Promise.race([
    Promise.resolve(ledger.reserve(ledger.open("second", [limit]), [1])).then(
      () => "answered",
      (error: { readonly kind?: string }) => error.kind,
    ),
    sleep(2_000, "waited for longer"),
  ]);
  expect(outcome).toBe("state_unavailable");
  server.signal("SIGCONT");
  await ledger.close();
  await store.close();
});

test("what was used while Redis was down is booked when it is back", async () => {
  const store = await openTestRedis(server, 500);
  const ledger = createStoreLedger({ store, lease: longLease, log: silentLog, timeoutMs: 80 });
  const limit = term("down", 10);
  const hold = ledger.open("down", [limit]);
  await ledger.reserve(hold, [8]);
  server.signal("SIGSTOP");
  ledger.settle(hold, [3]);
  await sleep(600);
  server.signal("SIGCONT");
  await expect.poll(async () => (await ledger.read([limit])).used, { timeout: 20_000 }).toEqual([3]);
  await ledger.close();
  await store.close();
});

test("however many calls are refused while Redis is away, what running ones used is booked when it is back", async () => {
  const store = await openTestRedis(server, 300);
  let lost = 0;
  const ledger = createStoreLedger({
    store,
    lease: longLease,
    log: silentLog,
    timeoutMs: 80,
    onLost: () => (lost += 1),
  });
  const limit = term("crowded out", 10);
  const hold = ledger.open("running", [limit]);
  await ledger.reserve(hold, [8]);
  server.signal("SIGSTOP");
  const refused = (call: number) =>
    Promise.resolve(ledger.reserve(ledger.open(`refused ${call}`, [limit]), [1])).then(
      () => "answered",
      (error: { readonly kind?: string }) => error.kind,
    );
  await expect.poll(() => refused(-1)).toBe("state_unavailable");
  await sleep(500);
  const outcomes = await Promise.all(Array.from({ length: 12_000 }, (_, call) => refused(call)));
  expect(new Set(outcomes)).toEqual(new Set(["state_unavailable"]));
  ledger.settle(hold, [3]);
  server.signal("SIGCONT");
  await expect.poll(async () => (await ledger.read([limit])).used, { timeout: 20_000 }).toEqual([3]);
  expect(lost).toBe(0);
  await ledger.close();
  await store.close();
});

test("10,000 calls over three replicas want the last 1,000 tokens: 1,000 get them", async () => {
  const stores = await Promise.all([1, 2, 3].map(() => openTestRedis(server)));
  const ledgers = stores.map((store) => storeLedger(store, longLease));
  const last = term("crowd", 1_000, "day");
  const standings = await Promise.all(
    Array.from({ length: 10_000 }, async (_, call) => {
      const ledger = ledgers[call % 3]!;
      return ledger.reserve(ledger.open(`crowd ${call}`, [last]), [1]);
    }),
  );
  expect(standings.filter(({ fits }) => fits)).toHaveLength(1_000);
  await Promise.all(ledgers.map((ledger) => ledger.close()));
  await Promise.all(stores.map((store) => store.close()));
});

test("while Redis is down a call is refused, and passes again when it is back", async () => {
  const scene = await startScene(budgets("closed"), change());
  expect((await ask(scene, "free", "hi")).status).toBe(200);
  await server.kill();
  await expect.poll(async () => (await ask(scene, "free", "hi")).status, { timeout: 20_000 }).toBe(503);
  await server.start();
  await expect.poll(async () => (await ask(scene, "free", "hi")).status, { timeout: 20_000 }).toBe(200);
  await scene.close();
});

test("with its counters on Redis a stream is cut at its budget too, to the token", async () => {
  const scene = await startScene('[{ name: cut, limits: ["1300 output tokens/month"] }]', change());
  const text = await (await ask(scene, "free", "stream 5000", { stream: true })).text();
  expect(text.match(/word/g)).toHaveLength(1_300);
  expect(text).toContain('"finish_reason":"length"');
  expect(text.trimEnd().endsWith("data: [DONE]")).toBe(true);
  await expect.poll(async () => (await ask(scene, "free", "hi", { max_tokens: 1 })).status).toBe(429);
  await scene.close();
});
