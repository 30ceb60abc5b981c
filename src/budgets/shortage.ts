import type { GatewayError } from "../core/errors.ts";
import type { Line } from "./budget.ts";
import type { Standing } from "./ledger/counting.ts";
import { exhausted } from "./exhausted.ts";

/** Where in the lines the first stands that has no room. */
export const shortageAt = (lines: readonly Line[], amounts: readonly number[], { used }: Standing): number =>
  Math.max(
    0,
    lines.findIndex(({ term }, at) => amounts[at]! > term.limit - used[at]!),
  );

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
