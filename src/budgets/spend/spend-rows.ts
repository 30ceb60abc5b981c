import { createHash } from "node:crypto";
import type { Bill } from "../reservation.ts";
import { type Window, windowStart } from "../ledger/windows.ts";

/** By what spend is told apart. */
export const spendKeys = ["tenant", "principal", "model", "tool", "chain"] as const;
export type SpendKey = (typeof spendKeys)[number];
export const spendWindows = ["day", "month"] as const satisfies readonly Window[];
export type SpendWindow = (typeof spendWindows)[number];

/** What calls have used and cost. */
export interface Spend {
  calls: number;
  inputTokens: number;
  outputTokens: number;
  costNanos: number;
  /** Calls of models whose price nobody knows. */
  unpriced: number;
  /** What answers that were given again had cost when they were made; absent where there was none. */
  savedNanos?: number;
}

/* How long rows are kept. */
const KEPT_MS = 62 * 86_400_000;
/* Chains are many, and over long before. */
const CHAINS_KEPT_MS = 2 * 86_400_000;
const DEAREST_LONE = 50;

export const none = (): Spend => ({ calls: 0, inputTokens: 0, outputTokens: 0, costNanos: 0, unpriced: 0 });

export function sum(one: Spend, other: Spend): Spend {
  const savedNanos = (one.savedNanos ?? 0) + (other.savedNanos ?? 0);
  return {
    calls: one.calls + other.calls,
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    costNanos: one.costNanos + other.costNanos,
    unpriced: one.unpriced + other.unpriced,
    ...(savedNanos > 0 && { savedNanos }),
  };
}

/** Spend by name, for each key, of one day. */
export interface DayRows {
  readonly dayMs: number;
  readonly rows: Readonly<Record<SpendKey, Map<string, Spend>>>;
  /** The dearest of the chains that are one request. */
  readonly lone: [chain: string, spend: Spend][];
}

export const emptyDay = (dayMs: number): DayRows => ({
  dayMs,
  rows: { tenant: new Map(), principal: new Map(), model: new Map(), tool: new Map(), chain: new Map() },
  lone: [],
});

export function addTo(rows: Map<string, Spend>, name: string, { use, costNanos }: Bill, unpriced: number): void {
  let row = rows.get(name);
  if (row === undefined) rows.set(name, (row = none()));
  row.calls += 1;
  row.inputTokens += use.inputTokens;
  row.outputTokens += use.outputTokens;
  row.costNanos += costNanos ?? 0;
  row.unpriced += unpriced;
}

export function saveIn(rows: Map<string, Spend>, name: string, savedNanos: number): void {
  let row = rows.get(name);
  if (row === undefined) rows.set(name, (row = none()));
  row.savedNanos = (row.savedNanos ?? 0) + savedNanos;
}

/* Nearly every request is a chain of its own, and only the dearest are told apart. One that has several calls may stand there more than once. */
export function addLone(lone: DayRows["lone"], chain: string, bill: Bill, unpriced: number): void {
  const { costNanos = 0, use } = bill;
  let place = lone.length;
  if (place >= DEAREST_LONE) {
    place = 0;
    for (let at = 1; at < lone.length; at++) if (lone[at]![1].costNanos < lone[place]![1].costNanos) place = at;
    if (lone[place]![1].costNanos >= costNanos) return;
  }
  const { inputTokens, outputTokens } = use;
  lone[place] = [chain, { calls: 1, inputTokens, outputTokens, costNanos, unpriced }];
}

export function chainsOf({ rows, lone }: DayRows): ReadonlyMap<string, Spend> {
  const chains = new Map(rows.chain);
  for (const [name, spend] of lone) chains.set(name, sum(chains.get(name) ?? none(), spend));
  return chains;
}

export interface AddedRow {
  readonly key: string;
  readonly index: string;
  readonly ttlMs: number;
  readonly name: string;
  readonly spend: Spend;
}

export function addedRows({ dayMs, rows }: DayRows, chains: Iterable<readonly [string, Spend]>): readonly AddedRow[] {
  const added: AddedRow[] = [];
  for (const by of spendKeys) {
    for (const [name, spend] of by === "chain" ? chains : rows[by]) {
      for (const window of spendWindows) {
        /* A chain is over long before its month. */
        if (by === "chain" && window === "month") continue;
        const startsMs = windowStart(window, dayMs);
        const ttlMs = by === "chain" ? CHAINS_KEPT_MS : KEPT_MS;
        const [key, index] = [keyOf(by, window, startsMs, name), indexOf(by, window, startsMs)];
        added.push({ key, index, ttlMs, name, spend });
      }
    }
  }
  return added;
}

/** The same with one row for each key. */
export function merge(rows: readonly AddedRow[]): readonly AddedRow[] {
  const merged = new Map<string, AddedRow>();
  for (const row of rows) {
    const known = merged.get(row.key);
    merged.set(row.key, known === undefined ? row : { ...row, spend: sum(known.spend, row.spend) });
  }
  return [...merged.values()];
}

export const indexOf = (by: SpendKey, window: SpendWindow, startsMs: number): string => `${window}:${startsMs}:${by}`;

/* Names are any text; a key is short ASCII. */
const keyOf = (by: SpendKey, window: SpendWindow, startsMs: number, name: string): string =>
  `${indexOf(by, window, startsMs)}:${createHash("sha256").update(name).digest("base64url").slice(0, 22)}`;
