import { expect, test } from "vitest";
import { compileBudget } from "../../../src/budgets/budget.ts";
import { budgetsConfig } from "../../../src/budgets/config.ts";
import { createCounterUses } from "../../../src/budgets/spend/counter-uses.ts";
import { createTestContext } from "../../observability/test-context.ts";

const DAY_MS = 86_400_000;
const dayMs = Date.UTC(2026, 10, 23);

function openUses(config: object, beganMs = dayMs - DAY_MS) {
  const clock = { nowMs: beganMs, now: () => clock.nowMs };
  const uses = createCounterUses(clock);
  const budget = compileBudget(budgetsConfig.budgets.parse([{ name: "b", ...config }])[0]!);
  clock.nowMs = dayMs;
  const charge = (principal: string, chain: string, booked = 1): void => {
    const context = createTestContext({ principal, chain, startedAtMs: clock.nowMs });
    const lines = budget.linesOf(context);
    uses.add(
      context,
      lines,
      lines.map(() => booked),
    );
  };
  const find = (limit: string, key = "", startsAtMs = dayMs) => uses.find({ budget: "b", limit, key, startsAtMs });
  return { clock, charge, find };
}

test("of any number of chains the heaviest are kept, with what they surely took", () => {
  const { charge, find } = openUses({ limits: ["1M tokens/day"] });
  for (let count = 0; count < 5_000; count++) {
    charge("p", `lone-${count}`);
    if (count % 10 === 0) charge("q", "loop", 20);
  }
  const use = find("1M tokens/day");
  expect(use).toMatchObject({ booked: 15_000, calls: 5_500, exact: false, sinceMs: dayMs });
  expect(use?.chains.length).toBe(32);
  const [most] = use!.chains.toSorted((one, other) => other.booked - one.booked);
  expect(most).toMatchObject({ chainId: "loop", principal: "q", booked: 10_000, calls: 500 });
  expect(use!.chains.reduce((sum, { booked }) => sum + booked, 0)).toBeLessThanOrEqual(15_000);
});

test("the window before is kept, and the one before that is not", () => {
  const { clock, charge, find } = openUses({ limits: ["1M tokens/day"] });
  for (let day = 0; day < 3; day++) {
    charge("p", `day-${day}`, 5);
    clock.nowMs += DAY_MS;
  }
  const of = (day: number) => find("1M tokens/day", "", dayMs + day * DAY_MS)?.chains.map(({ chainId }) => chainId);
  expect([of(0), of(1), of(2)]).toEqual([undefined, ["day-1"], ["day-2"]]);
});

test("of more counters than are kept the busiest stay, and one that was forgotten says since when it counts again", () => {
  const { clock, charge, find } = openUses({ per: "principal", limits: ["1M tokens/day"] });
  for (let count = 0; count < 10; count++) charge("busy", "loop");
  charge("seldom", "once");
  for (let count = 0; count < 1_000; count++) charge(`p-${count}`, `c-${count}`);
  expect(find("1M tokens/day", "busy")).toMatchObject({ calls: 10, sinceMs: dayMs });
  expect(find("1M tokens/day", "seldom")).toBeUndefined();
  clock.nowMs += 60_000;
  charge("seldom", "again");
  expect(find("1M tokens/day", "seldom")).toMatchObject({ calls: 1, sinceMs: dayMs + 60_000 });
});

test("what the journal can tell is not kept: limits of minutes, and those per chain", () => {
  const minute = openUses({ limits: ["1M tokens/min", "2M tokens/h"] });
  minute.charge("p", "c");
  expect(minute.find("1M tokens/min")).toBeUndefined();
  expect(minute.find("2M tokens/h")).toMatchObject({ calls: 1 });
  const chain = openUses({ per: "chain", limits: ["20 calls"] });
  chain.charge("p", "c");
  expect(chain.find("20 calls", "", 0)).toBeUndefined();
});

test("a process that began in the middle of a window says so", () => {
  const { charge, find } = openUses({ limits: ["1M tokens/day", "9M tokens"] }, dayMs + 5_000);
  charge("p", "c");
  expect(find("1M tokens/day")?.sinceMs).toBe(dayMs + 5_000);
  expect(find("9M tokens", "", 0)?.sinceMs).toBe(dayMs + 5_000);
});
