import type { Term } from "../../../src/budgets/ledger/counter.ts";
import type { Standing } from "../../../src/budgets/ledger/counting.ts";
import { windowStart } from "../../../src/budgets/ledger/windows.ts";
import { testLease } from "./terms.ts";

interface Part {
  windowStartMs: number;
  held: number;
  before: number;
}

/** A hold as the oracle remembers it: for ever, so that nothing depends on what was taken away when. */
export interface KnownHold {
  leaseEndMs: number;
  settled: boolean;
  readonly counters: readonly number[];
  readonly parts: Part[];
}

interface KnownCounter {
  seenMs: number;
  windowStartMs: number;
  /** Owed when the window began, and what was booked in it since. */
  booked: number;
}

/**
 * What a ledger must say, worked out the slow way: every total is summed up anew from the holds that are alive and from what was
 * booked. It shares nothing with the ledger but the calendar.
 */
export class Oracle {
  readonly #terms: readonly Term[];
  readonly #counters: KnownCounter[];
  #holds: KnownHold[] = [];

  /* What changed nothing is not written: then the time it was asked at is not known afterwards either. */
  readonly #forgets: boolean;

  /** `forgets`: only what changes something moves the ledger's own clock, as in a store. */
  constructor(terms: readonly Term[], forgets: boolean) {
    this.#terms = terms;
    this.#forgets = forgets;
    this.#counters = terms.map(() => ({ seenMs: 0, windowStartMs: 0, booked: 0 }));
  }

  #reserved(index: number): number {
    const { seenMs, windowStartMs } = this.#counters[index]!;
    let sum = 0;
    for (const { leaseEndMs, settled, counters, parts } of this.#holds) {
      if (settled || leaseEndMs <= seenMs) continue;
      const at = counters.indexOf(index);
      if (at >= 0 && parts[at]!.windowStartMs === windowStartMs) sum += parts[at]!.held;
    }
    return sum;
  }

  used(index: number): number {
    return this.#counters[index]!.booked + this.#reserved(index);
  }

  /** What of it is beyond the limit. */
  debt(index: number): number {
    return Math.max(0, this.used(index) - this.#terms[index]!.limit);
  }

  /** Time passes for these counters: together, and never backwards. */
  turn(indexes: readonly number[], clockMs: number): number {
    const nowMs = Math.max(clockMs, ...indexes.map((index) => this.#counters[index]!.seenMs));
    for (const index of indexes) {
      const counter = this.#counters[index]!;
      const start = windowStart(this.#terms[index]!.window, nowMs);
      if (start > counter.windowStartMs) {
        counter.booked = this.debt(index);
        counter.windowStartMs = start;
      }
      counter.seenMs = nowMs;
    }
    this.#holds = this.#holds.filter(({ settled }) => !settled);
    return nowMs;
  }

  /** Asks something; what gives false has changed nothing. */
  #ask<T>(counters: readonly number[], question: () => T): T {
    const before = counters.map((index) => ({ ...this.#counters[index]! }));
    const answer = question();
    if (this.#forgets && (answer === undefined || answer === false))
      for (const [at, index] of counters.entries()) this.#counters[index] = before[at]!;
    return answer;
  }

  /** Checks these counters at this instant. */
  read(counters: readonly number[], standing: Standing, clockMs: number): void {
    this.#ask(counters, () => {
      this.turn(counters, clockMs);
      this.#check(counters, standing);
    });
  }

  #room = (index: number): number => this.#terms[index]!.limit - this.used(index);

  reserve(counters: readonly number[], amounts: readonly number[], clockMs: number): KnownHold | undefined {
    return this.#ask(counters, () => this.#reserve(counters, amounts, clockMs));
  }

  #reserve(counters: readonly number[], amounts: readonly number[], clockMs: number): KnownHold | undefined {
    const nowMs = this.turn(counters, clockMs);
    if (counters.some((index, at) => amounts[at]! > 0 && amounts[at]! > this.#room(index))) return undefined;
    const parts = counters.map((index, at) => ({
      windowStartMs: this.#counters[index]!.windowStartMs,
      held: amounts[at]!,
      before: 0,
    }));
    const hold: KnownHold = { leaseEndMs: endOf(nowMs), settled: false, counters, parts };
    this.#holds.push(hold);
    return hold;
  }

  extend(hold: KnownHold, used: readonly number[], totals: readonly number[], clockMs: number): boolean {
    return this.#ask(hold.counters, () => this.#extend(hold, used, totals, clockMs));
  }

  #extend(hold: KnownHold, used: readonly number[], totals: readonly number[], clockMs: number): boolean {
    const nowMs = this.turn(hold.counters, clockMs);
    const former = { leaseEndMs: hold.leaseEndMs, parts: hold.parts.map((part) => ({ ...part })) };
    const wanted = hold.parts.map((part, at) => {
      const { windowStartMs } = this.#counters[hold.counters[at]!]!;
      const before = part.windowStartMs === windowStartMs ? part.before : Math.min(used[at]!, part.before + part.held);
      return { windowStartMs, held: Math.max(0, totals[at]! - before), before };
    });
    /* Without what it holds now, is there room for what it wants? A part that shrinks always fits. */
    const alive = former.leaseEndMs > nowMs;
    const grows = wanted.map(({ held, windowStartMs }, at) => {
      const now = former.parts[at]!;
      return held > (alive && now.windowStartMs === windowStartMs ? now.held : 0);
    });
    for (const part of hold.parts) part.held = 0;
    const fits = wanted.every(({ held }, at) => !grows[at] || held <= this.#room(hold.counters[at]!));
    for (const [at, part] of hold.parts.entries()) Object.assign(part, fits ? wanted[at] : former.parts[at]);
    if (fits) hold.leaseEndMs = endOf(nowMs);
    return fits;
  }

  renew(hold: KnownHold, clockMs: number): void {
    const nowMs = this.turn(hold.counters, clockMs);
    const alive = hold.leaseEndMs > nowMs;
    for (const [at, index] of hold.counters.entries()) {
      const part = hold.parts[at]!;
      const same = part.windowStartMs === this.#counters[index]!.windowStartMs;
      if (!alive && same && part.held > this.#room(index)) part.held = 0;
    }
    hold.leaseEndMs = endOf(nowMs);
  }

  settle(hold: KnownHold, used: readonly number[], clockMs: number): void {
    if (hold.settled) return;
    this.turn(hold.counters, clockMs);
    for (const [at, index] of hold.counters.entries()) {
      const { windowStartMs, held, before } = hold.parts[at]!;
      const gone = windowStartMs !== this.#counters[index]!.windowStartMs;
      this.#counters[index]!.booked += Math.max(0, used[at]! - before - (gone ? held : 0));
    }
    hold.settled = true;
  }

  /** Whether the ledger says the same of these counters, and keeps its word. */
  #check(counters: readonly number[], standing: Standing): void {
    for (const [at, index] of counters.entries()) {
      const { limit } = this.#terms[index]!;
      const used = standing.used[at]!;
      const debt = standing.debts[at]!;
      if (used - debt > limit) throw new Error(`counter ${index}: ${used - debt} is spent or reserved of ${limit}`);
      if (used !== this.used(index)) throw new Error(`counter ${index}: used is ${used}, not ${this.used(index)}`);
      if (debt !== this.debt(index)) throw new Error(`counter ${index}: debt is ${debt}, not ${this.debt(index)}`);
    }
  }
}

const endOf = (nowMs: number): number =>
  (Math.floor((nowMs + testLease.lengthMs) / testLease.grainMs) + 1) * testLease.grainMs;
