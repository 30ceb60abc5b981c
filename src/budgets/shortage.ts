import { type BudgetRefusal, unitOf } from "../core/charges.ts";
import type { GatewayError } from "../core/errors.ts";
import type { Line } from "./budget.ts";
import { windowStart } from "./ledger/windows.ts";
import type { Standing } from "./ledger/counting.ts";
import { exhausted } from "./exhausted.ts";

/** Where in the lines the first stands that has no room. */
export const shortageAt = (lines: readonly Line[], amounts: readonly number[], { used }: Standing): number =>
  Math.max(
    0,
    lines.findIndex(({ term }, at) => amounts[at]! > term.limit - used[at]!),
  );

/** The same for the journal. */
export function refusalOf(
  lines: readonly Line[],
  amounts: readonly number[],
  standing: Standing,
  chainId: string,
): BudgetRefusal {
  const at = shortageAt(lines, amounts, standing);
  const { budget, limit, key } = lines[at]!;
  const endsMs = standing.endsMs[at]!;
  return {
    budget: budget.name,
    limit: limit.text,
    key: budget.per === "chain" ? chainId : key,
    unit: unitOf(limit.thing),
    amount: limit.amount,
    used: standing.used[at]!,
    needed: amounts[at]!,
    ...(endsMs !== 0 && { startsAtMs: windowStart(limit.window, standing.nowMs), resetsAtMs: endsMs }),
  };
}

export function shortageOf(lines: readonly Line[], amounts: readonly number[], standing: Standing): GatewayError {
  const at = shortageAt(lines, amounts, standing);
  return exhausted({
    line: lines[at]!,
    used: standing.used[at]!,
    needed: amounts[at]!,
    debt: standing.debts[at]!,
    endsMs: standing.endsMs[at]!,
    nowMs: standing.nowMs,
  });
}
