import { afterEach, expect, test } from "vitest";
import { noUse } from "../../src/budgets/amounts.ts";
import { createSpendBook } from "../../src/budgets/spend.ts";
import { silentLog } from "../../src/core/log.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import { createTestContext } from "../observability/test-context.ts";
import { createSetClock } from "./ledgers.ts";
import { ask, type Scene, startScene } from "./scene.ts";

let scene: Scene | undefined;
afterEach(async () => {
  await scene?.close();
  scene = undefined;
});

test("what calls cost is told by model, tenant, principal and chain, and stands in the journal", async () => {
  scene = await startScene("[]");
  const { spend, journal } = scene.gateway.foundation;
  const first = await ask(scene, "dear", "hi", { max_tokens: 25 });
  await ask(scene, "dear", "hi", { max_tokens: 25 });
  await ask(scene, "unpriced", "hi");
  const cost = 10 * 10_000 + 20 * 1_000_000;
  const byModel = await spend.report("model", "day", 10);
  expect(byModel.lines).toMatchObject([
    { name: "dear", calls: 2, inputTokens: 20, outputTokens: 40, costNanos: 2 * cost, unpriced: 0 },
    { name: "unpriced", calls: 1, costNanos: 0, unpriced: 1 },
  ]);
  expect(byModel.total).toMatchObject({ calls: 3, costNanos: 2 * cost });
  expect(byModel.total.forecastNanos).toBeGreaterThanOrEqual(2 * cost);
  expect((await spend.report("principal", "month", 10)).total.calls).toBe(3);
  expect((await spend.report("chain", "day", 10)).lines).toHaveLength(3);
  const request = first.headers.get("x-request-id") ?? "";
  await expect
    .poll(async () => (await journal.query({ request, limit: 1 })).records)
    .toMatchObject([{ costNanos: cost, usage: { inputTokens: 10, outputTokens: 20 } }]);
});

test("replicas add to one report, and the forecast goes by how far the window has come", async () => {
  const clock = createSetClock();
  /* A quarter of the day. */
  clock.set(Date.UTC(2026, 10, 23, 6));
  const memory = createMemoryStore({ clock, log: silentLog });
  const store = { ...memory, durability: { ...memory.durability, sharedAcrossReplicas: true } };
  const metrics = createMetrics();
  const books = [1, 2].map(() => createSpendBook({ store, clock, log: silentLog, meter: metrics.meter }));
  const context = createTestContext();
  for (const book of books)
    for (let call = 0; call < 50; call += 1) book.add(context, { use: noUse, costNanos: 1_000 });
  await Promise.all(books.map((book) => book.close()));
  const report = await books[0]!.report("tenant", "day", 10);
  expect(report.lines).toMatchObject([{ name: "team-a", calls: 100, costNanos: 100_000, forecastNanos: 400_000 }]);
  clock.pass(86_400_000);
  expect((await books[0]!.report("tenant", "day", 10)).lines).toEqual([]);
  expect((await books[0]!.report("tenant", "month", 10)).total.calls).toBe(100);
  metrics.close();
  await store.close();
});
