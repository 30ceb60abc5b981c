import { expect, test } from "vitest";
import { compileBudget } from "../../src/budgets/budget.ts";
import { listBudgets } from "../../src/budgets/budget-list.ts";
import { budgetsConfig } from "../../src/budgets/config.ts";
import type { Ledger } from "../../src/budgets/ledger/ledger.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const dayMs = Date.UTC(2026, 10, 23);

/** A budget of $20 a day whose counter stands as it is said at minutes of the day. */
function openBudget() {
  const [config] = budgetsConfig.budgets.parse([{ name: "all", limits: ["$20/day"] }]) ?? [];
  const budget = compileBudget(config!);
  return async (minute: number, dollars: number) => {
    const nowMs = dayMs + minute * MINUTE_MS;
    const endsMs = dayMs + Math.ceil((minute + 1) / 1_440) * DAY_MS;
    const ledger = { read: async () => ({ used: [dollars * 1e9], endsMs: [endsMs], nowMs }) } as unknown as Ledger;
    const [standing] = await listBudgets([budget], ledger, nowMs, 5);
    const { exhaustedAtMs, perMinute } = standing!.counters[0]!;
    return {
      perMinute: Number(((perMinute ?? 0) / 1e9).toFixed(3)),
      minutesLeft: exhaustedAtMs === null ? null : Math.round((exhaustedAtMs - nowMs) / MINUTE_MS),
    };
  };
}

test("a loop late in the day is warned of at its own pace, within a minute", async () => {
  const look = openBudget();
  expect(await look(1_200, 1)).toEqual({ perMinute: 0.001, minutesLeft: null });
  expect(await look(1_201, 2)).toEqual({ perMinute: 1, minutesLeft: 18 });
  for (let minute = 1_202; minute < 1_219; minute += 1)
    expect(await look(minute, minute - 1_199)).toEqual({ perMinute: 1, minutesLeft: 1_219 - minute });
});

test("a loop that has ended is forgotten within minutes, and the day's mean stands", async () => {
  const look = openBudget();
  for (let minute = 1_200; minute <= 1_210; minute += 1) await look(minute, minute - 1_199);
  for (let minute = 1_211; minute < 1_216; minute += 1) await look(minute, 11);
  expect(await look(1_216, 11)).toEqual({ perMinute: 0.009, minutesLeft: null });
});

test("a new window begins without the pace of the one before", async () => {
  const look = openBudget();
  await look(1_430, 1);
  await look(1_439, 10);
  expect(await look(1_442, 0)).toEqual({ perMinute: 0, minutesLeft: null });
});
