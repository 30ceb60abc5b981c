import { type Window, windowEnd, windowStart } from "./windows.ts";

/** A counter and the limit it is held against. */
export interface Term {
  /** Names the counter, within its group. Any text. */
  readonly key: string;
  /** Counters of one group are kept together: a tenant's, or those that all tenants share (empty). */
  readonly group: string;
  readonly window: Window;
  readonly limit: number;
  /** How long a counter without a window is kept after its last use; undefined: for ever. */
  readonly idleMs: number | undefined;
  /** Whether no other operation can ever count in it: it is kept nowhere. */
  readonly lone?: true;
}

/**
 * What is used of one limit. `spent + reserved <= limit` at every instant; what was used beyond the limit is debt, and the following
 * windows begin with it. Reservations lie in buckets by when their leases end, so that those of a replica that died are given back
 * without being looked for.
 */
export class Counter {
  /** The latest instant seen: a clock that is set back must not open a window twice. */
  seenMs = 0;
  windowStartMs = 0;
  spent = 0;
  debt = 0;
  reserved = 0;
  readonly leaseEnds: number[] = [];
  readonly amounts: number[] = [];
  /** When its window ends; 0: never. Known from its first turn on. */
  endsMs = 0;
  /* Before this instant the window need not be reckoned. */
  #turnsMs = 0;
  /** Whether its ledger has forgotten it. */
  gone = false;

  /** Brings it to this instant: leases that have ended are given back, and a new window begins with the debt of the last. */
  turn({ window, limit }: Term, nowMs: number): void {
    if (nowMs > this.seenMs) this.seenMs = nowMs;
    if (this.seenMs >= this.#turnsMs && this.#entersWindow(window, limit)) return;
    for (let at = this.leaseEnds.length - 1; at >= 0; at--) {
      if ((this.leaseEnds[at] ?? 0) <= this.seenMs) this.#remove(at);
    }
    this.#payDebt(limit);
  }

  #entersWindow(window: Window, limit: number): boolean {
    const start = windowStart(window, this.seenMs);
    const enters = start > this.windowStartMs;
    if (enters) {
      this.#payDebt(limit);
      this.windowStartMs = start;
      this.spent = Math.min(this.debt, limit);
      this.debt -= this.spent;
      this.reserved = 0;
      this.leaseEnds.length = 0;
      this.amounts.length = 0;
    }
    this.endsMs = windowEnd(window, this.windowStartMs);
    this.#turnsMs = window === "none" ? Number.POSITIVE_INFINITY : this.endsMs;
    return enters;
  }

  room(limit: number): number {
    return limit - this.spent - this.reserved - this.debt;
  }

  get used(): number {
    return this.spent + this.reserved + this.debt;
  }

  hold(leaseEndMs: number, amount: number): void {
    if (amount <= 0) return;
    this.reserved += amount;
    const at = this.leaseEnds.indexOf(leaseEndMs);
    if (at >= 0) this.amounts[at] = (this.amounts[at] ?? 0) + amount;
    else {
      this.leaseEnds.push(leaseEndMs);
      this.amounts.push(amount);
    }
  }

  release(leaseEndMs: number, amount: number): void {
    if (amount <= 0) return;
    const at = this.leaseEnds.indexOf(leaseEndMs);
    if (at < 0) return;
    const left = (this.amounts[at] ?? 0) - amount;
    if (left <= 0) this.#remove(at);
    else {
      this.amounts[at] = left;
      this.reserved -= amount;
    }
  }

  /** Books what was used: as spent where there is room, the rest as debt. */
  charge(limit: number, amount: number): void {
    if (amount > 0) this.debt += amount;
    this.#payDebt(limit);
  }

  /** What others gave back pays what is owed. */
  #payDebt(limit: number): void {
    const fitting = Math.min(this.debt, Math.max(0, limit - this.spent - this.reserved));
    this.spent += fitting;
    this.debt -= fitting;
  }

  #remove(at: number): void {
    this.reserved -= this.amounts[at] ?? 0;
    this.leaseEnds.splice(at, 1);
    this.amounts.splice(at, 1);
  }
}
