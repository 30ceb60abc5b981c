import type { BudgetUnit } from "./api/overview.ts";

const NANOS_PER_DOLLAR = 1e9;

/** An amount with its unit, such as `1,200 tokens` or `$0.0004`. */
export function formatAmount(amount: number, unit: BudgetUnit): string {
  if (unit === "nanodollars") {
    const dollars = amount / NANOS_PER_DOLLAR;
    return `$${dollars === 0 || dollars >= 0.01 ? dollars.toFixed(2) : dollars.toPrecision(2)}`;
  }
  return `${amount.toLocaleString("en-US")} ${amount === 1 ? unit.slice(0, -1) : unit}`;
}
