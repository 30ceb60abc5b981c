import { expect, onTestFinished, test } from "vitest";
import { compileBudget } from "../../src/budgets/budget.ts";
import { budgetsConfig } from "../../src/budgets/config.ts";
import { createCounterUses } from "../../src/budgets/spend/counter-uses.ts";
import { findCounterUse } from "../../src/console/counter-use.ts";
import type { BudgetRefusal } from "../../src/core/charges.ts";
import { silentLog } from "../../src/core/log.ts";
import { observabilityConfig } from "../../src/observability/config.ts";
import { createJournal } from "../../src/observability/journal.ts";
import type { JournalRecord } from "../../src/observability/journal-record.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import { createTestContext } from "../observability/test-context.ts";

const DAY_MS = 86_400_000;
const dayMs = Date.UTC(2026, 10, 23);

/** A gateway's journal and sums, from some time on; `charge` puts calls into both, `restart` forgets the sums. */
function openGateway(atMs: number, journalled: object = {}) {
  const clock = { nowMs: atMs, now: () => clock.nowMs, monotonic: () => clock.nowMs };
  const store = createMemoryStore({ clock, log: silentLog });
  const config = observabilityConfig.observability.parse({ journal: journalled }).journal;
  const journal = createJournal(config, { store, clock, log: silentLog, meter: createMetrics().meter });
  onTestFinished(() => journal.close().then(() => store.close()));
  const [budgetConfig] = budgetsConfig.budgets.parse([{ name: "all", limits: ["1M tokens/day"] }]);
  const budget = compileBudget(budgetConfig!);
  let uses = createCounterUses(clock);
  let made = 0;
  async function charge(count: number, tokens: number, principal: string, chain?: string): Promise<void> {
    for (let left = count; left > 0; left--) {
      made += 1;
      clock.nowMs += 10;
      const id = chain ?? `chain-${made}`;
      const changes = { id: `operation-${made}`, request: id, chain: id, principal, startedAtMs: clock.nowMs };
      const context = createTestContext(changes);
      const lines = budget.linesOf(context);
      uses.add(context, lines, [tokens]);
      context.charges = tokens === 0 ? undefined : [{ lines, reserved: [tokens], booked: [tokens] }];
      journal.record(context, { status: "ok", durationMs: 1 }, "hash");
      if (left % 5_000 === 0) await journal.flush();
    }
  }
  async function explain(used: number, isAlone = true) {
    const refusal: BudgetRefusal = {
      budget: "all",
      limit: "1M tokens/day",
      key: "",
      unit: "tokens",
      amount: 1_000_000,
      used,
      needed: 100,
      startsAtMs: dayMs,
      resetsAtMs: dayMs + DAY_MS,
    };
    const refused = { timeMs: clock.nowMs, durationMs: 1, chainId: "refused" } as JournalRecord;
    return findCounterUse(refusal, refused, { journal, kept: (counter) => uses.find(counter), isAlone });
  }
  function restart(): void {
    clock.nowMs += 1_000;
    uses = createCounterUses(clock);
  }
  return { clock, charge, explain, restart };
}

test("who used a budget up is found behind any number of calls that did not", async () => {
  const { clock, charge, explain, restart } = openGateway(dayMs - 1_000);
  await charge(1, 7, "yesterday");
  clock.nowMs = dayMs + 1_000;
  await charge(60, 30, "bob", "loop");
  await charge(3, 40, "ann");
  await charge(12_000, 0, "others");
  /* The journal alone tells all of it. */
  restart();
  const use = await explain(1_920);
  expect(use).toMatchObject({ booked: 1_920, calls: 63, complete: true, exact: true, coversSinceMs: dayMs });
  expect(use.chains.map(({ chainId, booked, calls }) => [chainId, booked, calls])[0]).toEqual(["loop", 1_800, 60]);
  expect(use.chains).toHaveLength(4);
  expect(use.chains[0]).toMatchObject({
    principal: "bob",
    share: 0.0018,
    dearest: { booked: 30, target: "read_file" },
  });
  expect(use.principals.map(({ principal, booked }) => [principal, booked])).toEqual([
    ["bob", 1_800],
    ["ann", 120],
  ]);
});

test("on a gateway whose journal does not reach back to the morning its own sums name who burnt the day's budget", async () => {
  const { clock, charge, explain, restart } = openGateway(dayMs - 1_000, { maxRecords: 5_000 });
  clock.nowMs = dayMs + 1_000;
  await charge(50, 10_000, "bob", "burner");
  const noonMs = clock.nowMs;
  await charge(21_000, 10, "many");
  const use = await explain(710_000);
  expect(use).toMatchObject({ booked: 710_000, calls: 21_050, complete: true, exact: false, coversSinceMs: dayMs });
  expect(use.chains[0]).toMatchObject({ chainId: "burner", principal: "bob", booked: 500_000, share: 0.5, calls: 50 });
  expect(use.principals[0]).toMatchObject({ principal: "bob", booked: 500_000, calls: 50 });
  expect(use.chains.reduce((sum, { booked }) => sum + booked, 0)).toBeLessThanOrEqual(use.booked);
  expect(await explain(710_000, false)).toMatchObject({ booked: 710_000, complete: false });
  /* After a restart there is what the journal still has, and it says so. */
  restart();
  await charge(50, 10_000, "eve", "second");
  const after = await explain(1_210_000);
  expect(after).toMatchObject({ complete: false });
  expect(after.coversSinceMs).toBeGreaterThan(noonMs);
  expect(after.chains[0]).toMatchObject({ chainId: "second", booked: 500_000, calls: 50 });
}, 30_000);

test("after a restart sums of its own are put together with what the journal has of before, each call once", async () => {
  const { clock, charge, explain, restart } = openGateway(dayMs - 1_000);
  await charge(1, 1, "yesterday");
  clock.nowMs = dayMs + 1_000;
  await charge(50, 1_000, "bob", "burner");
  restart();
  await charge(20_500, 1, "many");
  await charge(10, 1_000, "bob", "burner");
  const use = await explain(80_500);
  expect(use).toMatchObject({ booked: 80_500, calls: 20_560, complete: true, exact: false, coversSinceMs: dayMs });
  expect(use.chains[0]).toMatchObject({ chainId: "burner", booked: 60_000, calls: 60 });
}, 30_000);

test("where nothing is on record nobody is named", async () => {
  const { explain } = openGateway(dayMs + 1_000);
  expect(await explain(500)).toMatchObject({
    chains: [],
    principals: [],
    calls: 0,
    complete: false,
    coversSinceMs: null,
  });
});
