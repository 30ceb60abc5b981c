import { afterEach, expect, test } from "vitest";
import { noUse } from "../../../src/budgets/amounts.ts";
import { createDearestChains } from "../../../src/budgets/spend/dearest-chains.ts";
import { createSpendBook, type SpendReport } from "../../../src/budgets/spend/spend.ts";
import { describeSpend } from "../../../src/cli/spend.ts";
import { silentLog } from "../../../src/core/log.ts";
import type { Target } from "../../../src/core/operation.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { createMemoryStore } from "../../../src/state/memory.ts";
import type { Store } from "../../../src/state/store.ts";
import { createTestContext } from "../../observability/test-context.ts";
import { createSetClock } from "../ledger/ledgers.ts";
import { ask, type Scene, startScene } from "../scene.ts";

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

test("an answer whose server does not say what it used costs what its length is taken for, with no budget to count it either", async () => {
  scene = await startScene("[]");
  const { spend } = scene.gateway.foundation;
  await (await ask(scene, "dear", "untold 300", { stream: true })).text();
  const [streamed] = (await spend.report("model", "day", 1)).lines;
  /* Its first and last event say nothing. */
  expect(streamed?.outputTokens).toBeGreaterThanOrEqual(300);
  expect(streamed?.outputTokens).toBeLessThan(305);
  expect(streamed?.inputTokens).toBeGreaterThan(0);
  await (await ask(scene, "dear", "untold 300")).text();
  const [both] = (await spend.report("model", "day", 1)).lines;
  expect(both?.outputTokens).toBeGreaterThanOrEqual(600);
  expect(both?.costNanos).toBe(both!.inputTokens * 10_000 + both!.outputTokens * 1_000_000);
});

test("tools and agents are told apart by name, and resources by their server", async () => {
  const clock = createSetClock();
  const store = createMemoryStore({ clock, log: silentLog });
  const metrics = createMetrics();
  const book = createSpendBook({ store, clock, log: silentLog, meter: metrics.meter });
  const targets: readonly Target[] = [
    { kind: "tool", name: "read_file", server: "files" },
    { kind: "resource", name: "file:///a", server: "files" },
    { kind: "resource", name: "file:///b", server: "files" },
    { kind: "agent", name: "writer", server: "writer" },
  ];
  for (const target of targets) book.add(createTestContext({ operation: { target } }), { use: noUse, costNanos: 0 });
  const { lines } = await book.report("tool", "day", 10);
  expect(lines.map(({ name, calls }) => `${name} ${calls}`).sort()).toEqual([
    "files 2",
    "files/read_file 1",
    "writer 1",
  ]);
  await book.close();
  metrics.close();
  await store.close();
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

test.for([true, false])(
  "what a store that is away does not take is added when it is back, once (shared by replicas: %s)",
  async (isShared) => {
    const clock = createSetClock();
    const memory = createMemoryStore({ clock, log: silentLog });
    const metrics = createMetrics();
    let calls = 0;
    let awayFrom = 3;
    /* The first calls of the store work: a part of what is written is then there, and must not be added again. */
    const touch = async <T>(answer: () => Promise<T>): Promise<T> => {
      if ((calls += 1) > awayFrom) throw new Error("away");
      return answer();
    };
    const store: Store = {
      ...memory,
      durability: { ...memory.durability, sharedAcrossReplicas: isShared },
      put: (...args) => touch(() => memory.put(...args)),
      putMany: (...args) => touch(() => memory.putMany(...args)),
    };
    const book = createSpendBook({ store, clock, log: silentLog, meter: metrics.meter });
    const context = createTestContext();
    for (const cost of [1_000, 200, 30]) {
      book.add(context, { use: noUse, costNanos: cost });
      await book.report("tenant", "day", 10);
      awayFrom = 0;
    }
    awayFrom = Number.POSITIVE_INFINITY;
    for (const by of ["tenant", "principal", "tool"] as const)
      for (const window of ["day", "month"] as const)
        expect((await book.report(by, window, 10)).total).toMatchObject({ calls: 3, costNanos: 1_230 });
    await book.close();
    metrics.close();
    await memory.close();
  },
);

test("of very many chains the dear ones are told apart, whenever they come, and the number of rows is bounded", () => {
  const dearest = createDearestChains();
  const spendOf = (costNanos: number) => ({ calls: 1, inputTokens: 0, outputTokens: 0, costNanos, unpriced: 0 });
  const kept = new Set<string>();
  let rows = 0;
  for (let writing = 0; writing < 4_000; writing += 1) {
    /* Fifty that cost next to nothing, of ever other names; every hundredth time one that is dear. */
    const chains = Array.from({ length: 50 }, (_, at) => [`${writing} ${at}`, spendOf(1 + at)] as const);
    const dear = writing % 100 === 99 ? [[`dear ${writing}`, spendOf(1_000)] as const] : [];
    for (const [chain] of dearest(0, [...chains, ...dear])) {
      kept.add(chain);
      rows += 1;
    }
  }
  for (let writing = 99; writing < 4_000; writing += 100) expect(kept.has(`dear ${writing}`)).toBe(true);
  expect(rows).toBeLessThan(10_000);
  /* Another day, another count. */
  expect(dearest(1, [["cheap", spendOf(1)]])).toHaveLength(1);
});

test("a report is a table for people, the dearest first and the sum last", () => {
  const startsMs = Date.UTC(2026, 10, 23);
  const line = { calls: 2, inputTokens: 20, outputTokens: 40, costNanos: 1_500_000_000, unpriced: 0 };
  const report: SpendReport = {
    by: "model",
    window: "day",
    startsMs,
    endsMs: startsMs + 86_400_000,
    lines: [{ name: "dear", ...line, forecastNanos: 3_000_000_400 }],
    complete: false,
    total: { ...line, calls: 3, unpriced: 1, forecastNanos: 3_000_000_400 },
  };
  expect(describeSpend(report)).toEqual([
    "day from 2026-11-23T00:00:00.000Z to 2026-11-24T00:00:00.000Z",
    "there are more names than this report looked at: a dear one may be missing",
    " cost  by the end  calls  tokens in  out  unpriced  model",
    "$1.50       $3.00      2         20   40         -  dear",
    "$1.50       $3.00      3         20   40         1  in all",
  ]);
});
