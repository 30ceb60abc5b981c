import { setImmediate } from "node:timers/promises";
import type { BudgetRefusal } from "../core/charges.ts";
import type { Journal } from "../observability/journal.ts";
import type { JournalRecord } from "../observability/journal-record.ts";
import type { ChainUse, CounterUse } from "./api/policies.ts";

/** What this process keeps of a counter's window, whatever the journal has forgotten. */
export interface KeptUse extends Pick<CounterUse, "booked" | "calls" | "exact"> {
  /** All that was taken from then on is in it. */
  readonly sinceMs: number;
  readonly chains: readonly Omit<ChainUse, "share">[];
  readonly principals: readonly { readonly principal: string; readonly booked: number; readonly calls: number }[];
}

export interface CounterUseSource {
  readonly journal: Pick<Journal, "query">;
  readonly kept: (counter: {
    readonly budget: string;
    readonly limit: string;
    readonly key: string;
    readonly startsAtMs: number;
  }) => KeptUse | undefined;
  /** Whether no other process charges the same counters. */
  readonly isAlone: boolean;
}

const MOST_LINES = 10;
/* Some 200 ms of reading, in pieces. */
const MOST_RECORDS = 20_000;
const MOST_PAGES = 40;
const PAGE = 1_000;
/* What a counter held for when it refused may have been recorded a while after. */
const LATE_MS = 60_000;

/** Who had used a counter up when it refused a call: of the journal where it reaches back so far, else of what this process has kept and the journal before. */
export async function findCounterUse(
  refusal: BudgetRefusal,
  refused: JournalRecord,
  { journal, kept: keptOf, isAlone }: CounterUseSource,
): Promise<CounterUse> {
  const { budget, limit, key, unit, amount, startsAtMs = 0 } = refusal;
  const read = (into: Sum, beforeMs: number) => readCharges(journal, { refusal, refused, beforeMs }, into);
  let sum = new Sum();
  const isRead = await read(sum, refused.timeMs + refused.durationMs + LATE_MS);
  let complete = isRead && (sum.booked >= refusal.used || (await reachesBack(journal, startsAtMs)));
  const kept = complete ? undefined : keptOf({ budget, limit, key, startsAtMs });
  if (kept !== undefined) {
    const more = new Sum();
    more.addKept(kept);
    const isWhole =
      kept.sinceMs <= startsAtMs || ((await read(more, kept.sinceMs)) && (await reachesBack(journal, startsAtMs)));
    if (more.booked > sum.booked) [sum, complete] = [more, isAlone && isWhole];
  }
  return {
    budget,
    limit,
    key,
    unit,
    amount,
    startsAtMs: refusal.startsAtMs ?? null,
    ...sum.toLines(amount),
    coversSinceMs: complete && startsAtMs > 0 ? startsAtMs : sum.calls === 0 ? null : sum.sinceMs,
    complete,
  };
}

interface Reading {
  readonly refusal: BudgetRefusal;
  readonly refused: JournalRecord;
  /** What was recorded before. */
  readonly beforeMs: number;
}

/** Adds what was charged in the counter, from the newest call on; whether these are all that the journal has of its window. */
async function readCharges(
  journal: Pick<Journal, "query">,
  { refusal, refused, beforeMs }: Reading,
  sum: Sum,
): Promise<boolean> {
  const { budget, limit, key, startsAtMs = 0 } = refusal;
  /* The key of a limit per chain is the chain, and its charges need not say so. */
  const isOfChain = key === refused.chainId;
  const charged = { budget, limit, key: isOfChain ? "" : key };
  const toMs = refused.timeMs + refused.durationMs;
  let after: string | undefined;
  for (let pages = 0; pages < MOST_PAGES && sum.records < MOST_RECORDS; pages += 1) {
    const page = await journal.query({
      charged,
      ...(isOfChain && { chain: key }),
      sinceMs: startsAtMs,
      beforeMs,
      limit: PAGE,
      ...(after !== undefined && { after }),
    });
    for (const record of page.records)
      if (record.timeMs >= startsAtMs && record.timeMs <= toMs) sum.addRecord(record, charged);
    after = page.next;
    if (after === undefined) return true;
    await setImmediate();
  }
  return false;
}

/** Whether the journal has something of before, and so all that came after: the oldest go first. */
async function reachesBack(journal: Pick<Journal, "query">, ms: number): Promise<boolean> {
  return ms > 0 && (await journal.query({ beforeMs: ms, limit: 1 })).records.length > 0;
}

type Counter = Pick<BudgetRefusal, "budget" | "limit" | "key">;
type Growing<T> = { -readonly [K in keyof T]: T[K] };

class Sum {
  booked = 0;
  calls = 0;
  records = 0;
  sinceMs = Number.POSITIVE_INFINITY;
  #exact = true;
  readonly #chains = new Map<string, Growing<Omit<ChainUse, "share">>>();
  readonly #principals = new Map<string, { readonly principal: string; booked: number; calls: number }>();

  addRecord(record: JournalRecord, { budget, limit, key }: Counter): void {
    const { operationId, chainId, timeMs, principal, target, charges = [] } = record;
    const charge = charges.find((each) => each.key === key && each.limit === limit && each.budget === budget);
    const booked = charge?.booked ?? 0;
    this.records += 1;
    this.booked += booked;
    this.calls += 1;
    this.sinceMs = Math.min(this.sinceMs, timeMs);
    const dearest = { operationId, timeMs, target: target.name, booked };
    this.#addChain({ chainId, principal: principal.id, booked, calls: 1, dearest });
    this.#addPrincipal(principal.id, booked, 1);
  }

  addKept({ sinceMs, booked, calls, chains, principals, exact }: KeptUse): void {
    this.booked += booked;
    this.calls += calls;
    this.sinceMs = Math.min(this.sinceMs, sinceMs);
    this.#exact &&= exact;
    for (const chain of chains) this.#addChain(chain);
    for (const each of principals) this.#addPrincipal(each.principal, each.booked, each.calls);
  }

  #addChain(use: Omit<ChainUse, "share">): void {
    const known = this.#chains.get(use.chainId);
    if (known === undefined) {
      this.#chains.set(use.chainId, { ...use });
      return;
    }
    known.booked += use.booked;
    known.calls += use.calls;
    if (use.dearest.booked > known.dearest.booked) known.dearest = use.dearest;
  }

  #addPrincipal(principal: string, booked: number, calls: number): void {
    const known = this.#principals.get(principal);
    if (known === undefined) this.#principals.set(principal, { principal, booked, calls });
    else {
      known.booked += booked;
      known.calls += calls;
    }
  }

  toLines(amount: number): Pick<CounterUse, "booked" | "calls" | "chains" | "principals" | "exact"> {
    const most = <T extends { readonly booked: number }>(all: Iterable<T>) =>
      [...all]
        .toSorted((one, other) => other.booked - one.booked)
        .slice(0, MOST_LINES)
        .map((use) => ({ ...use, share: use.booked / amount }));
    const chains = most(this.#chains.values());
    return {
      booked: this.booked,
      calls: this.calls,
      chains,
      principals: most(this.#principals.values()),
      exact: this.#exact,
    };
  }
}
