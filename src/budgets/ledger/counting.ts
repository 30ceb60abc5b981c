import type { Counter, Term } from "./counter.ts";

/** How long a reservation stands when nobody renews it, and how finely the ends of leases are told apart. */
export interface Lease {
  readonly lengthMs: number;
  readonly grainMs: number;
}

/** What one operation has reserved of one counter. */
export interface HoldPart {
  /** The window it was reserved in: an operation is charged to the window in which it began. */
  windowStartMs: number;
  held: number;
  /** What was used in windows that are gone, and is accounted for. */
  before: number;
}

/** What one operation has reserved, part by part in the order of its terms. */
export interface HoldState {
  leaseEndMs: number;
  parts: HoldPart[];
}

/** How the counters of an operation stand after it was looked at; lists are in the order of its terms. */
export interface Standing {
  /** False: nothing was changed, for want of room. */
  readonly fits: boolean;
  /** The instant by the ledger's clock. */
  readonly nowMs: number;
  /** Spent, reserved and owed. */
  readonly used: readonly number[];
  /** When the window ends; 0: never. */
  readonly endsMs: readonly number[];
  readonly debts: readonly number[];
}

/*
 * The whole arithmetic of the ledger, on counters that are at hand: in this process, or read and written around it by an atomic
 * script. `lua` of the script says the same in Lua.
 */

const leaseEnd = (nowMs: number, { lengthMs, grainMs }: Lease): number =>
  (Math.floor((nowMs + lengthMs) / grainMs) + 1) * grainMs;

/** Brings all counters to one instant, which is never before one that any of them has seen. */
function turnAll(counters: readonly Counter[], terms: readonly Term[], clockMs: number): number {
  let nowMs = clockMs;
  for (const { seenMs } of counters) if (seenMs > nowMs) nowMs = seenMs;
  for (let at = 0; at < counters.length; at++) counters[at]!.turn(terms[at]!, nowMs);
  return nowMs;
}

/** How counters stand that were brought to this instant. */
export function standingOf(fits: boolean, counters: readonly Counter[], nowMs: number): Standing {
  const used: number[] = [];
  const endsMs: number[] = [];
  const debts: number[] = [];
  for (let at = 0; at < counters.length; at++) {
    const counter = counters[at]!;
    used.push(counter.used);
    endsMs.push(counter.endsMs);
    debts.push(counter.debt);
  }
  return { fits, nowMs, used, endsMs, debts };
}

/** Reserves all amounts or none. */
export function reserveIn(
  counters: readonly Counter[],
  terms: readonly Term[],
  amounts: readonly number[],
  clockMs: number,
  lease: Lease,
): { readonly state: HoldState | undefined; readonly standing: Standing } {
  const nowMs = turnAll(counters, terms, clockMs);
  for (let at = 0; at < counters.length; at++) {
    const amount = amounts[at]!;
    if (amount > 0 && amount > counters[at]!.room(terms[at]!.limit))
      return { state: undefined, standing: standingOf(false, counters, nowMs) };
  }
  const leaseEndMs = leaseEnd(nowMs, lease);
  const parts: HoldPart[] = [];
  for (let at = 0; at < counters.length; at++) {
    const counter = counters[at]!;
    const held = amounts[at]!;
    counter.hold(leaseEndMs, held);
    parts.push({ windowStartMs: counter.windowStartMs, held, before: 0 });
  }
  return { state: { leaseEndMs, parts }, standing: standingOf(true, counters, nowMs) };
}

/** Brings what is reserved to new totals, all or none; `used` is what was used so far. Renews the lease. */
export function extendIn(
  counters: readonly Counter[],
  terms: readonly Term[],
  hold: HoldState,
  used: readonly number[],
  totals: readonly number[],
  clockMs: number,
  lease: Lease,
): Standing {
  const nowMs = turnAll(counters, terms, clockMs);
  const alive = nowMs < hold.leaseEndMs;
  const next: HoldPart[] = [];
  for (let at = 0; at < counters.length; at++) {
    const counter = counters[at]!;
    const part = hold.parts[at]!;
    const { windowStartMs } = counter;
    const same = part.windowStartMs === windowStartMs;
    const before = same ? part.before : Math.min(used[at]!, part.before + part.held);
    const held = Math.max(0, totals[at]! - before);
    const more = held - (same && alive ? part.held : 0);
    if (more > 0 && more > counter.room(terms[at]!.limit)) return standingOf(false, counters, nowMs);
    next.push({ windowStartMs, held, before });
  }
  const leaseEndMs = leaseEnd(nowMs, lease);
  for (let at = 0; at < counters.length; at++) {
    const counter = counters[at]!;
    const part = hold.parts[at]!;
    if (alive && part.windowStartMs === counter.windowStartMs) counter.release(hold.leaseEndMs, part.held);
    counter.hold(leaseEndMs, next[at]!.held);
  }
  hold.leaseEndMs = leaseEndMs;
  hold.parts = next;
  return standingOf(true, counters, nowMs);
}

/** Keeps what is reserved from being given back. What was given back already is reserved again where there is room. The instant at which it did. */
export function renewIn(
  counters: readonly Counter[],
  terms: readonly Term[],
  hold: HoldState,
  clockMs: number,
  lease: Lease,
): number {
  const nowMs = turnAll(counters, terms, clockMs);
  const alive = nowMs < hold.leaseEndMs;
  const leaseEndMs = leaseEnd(nowMs, lease);
  for (let at = 0; at < counters.length; at++) {
    const counter = counters[at]!;
    const part = hold.parts[at]!;
    if (part.windowStartMs !== counter.windowStartMs) continue;
    if (alive) counter.release(hold.leaseEndMs, part.held);
    else if (part.held > counter.room(terms[at]!.limit)) part.held = 0;
    counter.hold(leaseEndMs, part.held);
  }
  hold.leaseEndMs = leaseEndMs;
  return nowMs;
}

/** Gives back what was reserved and books what was used; the instant at which it did. */
export function settleIn(
  counters: readonly Counter[],
  terms: readonly Term[],
  hold: HoldState,
  used: readonly number[],
  clockMs: number,
): number {
  const nowMs = turnAll(counters, terms, clockMs);
  const alive = nowMs < hold.leaseEndMs;
  for (let at = 0; at < counters.length; at++) {
    const counter = counters[at]!;
    const { windowStartMs, held, before } = hold.parts[at]!;
    const same = windowStartMs === counter.windowStartMs;
    if (same && alive) counter.release(hold.leaseEndMs, held);
    /* Of a window that is gone only what was never reserved is left to book. */
    counter.charge(terms[at]!.limit, used[at]! - before - (same ? 0 : held));
  }
  return nowMs;
}
