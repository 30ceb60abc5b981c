/** One limit of a budget, and whose counter it was. */
export interface ChargedLine {
  readonly budget: { readonly name: string };
  readonly limit: { readonly text: string; readonly thing: string };
  /** Empty where all share the counter, and of a limit per chain. */
  readonly key: string;
}

/** What one attempt held in its budgets while it ran, and what was taken in the end; in the order of the lines, each in its own unit. */
export interface Charges {
  readonly lines: readonly ChargedLine[];
  readonly reserved: readonly number[];
  readonly booked: readonly number[];
}

export type BudgetUnit = "tokens" | "calls" | "nanodollars";

export const unitOf = (thing: string): BudgetUnit =>
  thing === "money" ? "nanodollars" : thing.endsWith("tokens") ? "tokens" : "calls";

/** A counter that had no room. */
export interface BudgetRefusal {
  readonly budget: string;
  readonly limit: string;
  /** Of a limit per chain, the chain. */
  readonly key: string;
  readonly unit: BudgetUnit;
  readonly amount: number;
  /** Spent, reserved and owed. */
  readonly used: number;
  readonly needed: number;
  /** When its window began; absent: it has none. */
  readonly startsAtMs?: number;
  /** When its window ends; absent: never. */
  readonly resetsAtMs?: number;
}
