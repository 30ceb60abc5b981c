import { type BudgetUnit, type Charges, unitOf } from "../core/charges.ts";
import { bounded } from "./bounded.ts";

export interface ChargedCounter {
  readonly budget: string;
  readonly limit: string;
  /** Empty where all share it, and of a limit per chain. */
  readonly key: string;
  readonly unit: BudgetUnit;
}

/** What was held in a counter while the operation ran, and what was taken from it in the end. */
export interface CounterCharge extends ChargedCounter {
  readonly reserved: number;
  readonly booked: number;
}

const finite = (amount: number): number => (Number.isFinite(amount) ? amount : 0);

/** What was reserved and what was booked, in turn, for each line; without brackets. Joined at once: a record waits, and is one flat string. */
export function chargesText(charges: readonly Charges[]): string {
  const amounts: number[] = [];
  for (const { reserved, booked } of charges)
    for (let at = 0; at < reserved.length; at++) amounts.push(finite(reserved[at]!), finite(booked[at]!));
  return amounts.join();
}

const toCounter = ({ budget, limit, key }: Charges["lines"][number]): ChargedCounter => ({
  budget: budget.name,
  limit: limit.text,
  key: bounded(key),
  unit: unitOf(limit.thing),
});

export function isSameCharged(
  common: readonly ChargedCounter[] | undefined,
  charges: readonly Charges[] | undefined,
): boolean {
  if (common === undefined || charges === undefined) return common === charges;
  let at = 0;
  for (const { lines } of charges) {
    for (const { budget, limit, key } of lines) {
      const counter = common[at++];
      if (counter?.key !== bounded(key) || counter.limit !== limit.text || counter.budget !== budget.name) return false;
    }
  }
  return at === common.length;
}

export const toCounters = (charges: readonly Charges[]): readonly ChargedCounter[] =>
  charges.flatMap(({ lines }) => lines.map(toCounter));

export const toCharges = (charged: readonly ChargedCounter[], amounts: readonly number[]): readonly CounterCharge[] =>
  charged.map((counter, at) => ({ ...counter, reserved: amounts[2 * at] ?? 0, booked: amounts[2 * at + 1] ?? 0 }));
