import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import { createOpenSet, type Placed } from "../../core/open-set.ts";
import { Counter, type Term } from "./counter.ts";
import { extendIn, type HoldState, type Lease, renewIn, reserveIn, settleIn, type Standing } from "./counting.ts";
import type { KeptCounters } from "./kept-counters.ts";
import type { Hold, Ledger } from "./ledger.ts";
import { windowEnd } from "./windows.ts";

/* About 40 MB; a budget for each of more keys than this within one window needs a store. */
const MOST_COUNTERS = 200_000;

class LocalHold implements Hold, Placed {
  place = -1;
  state: HoldState | undefined;
  readonly id: string;
  readonly terms: readonly Term[];
  readonly counters: readonly Counter[];

  constructor(id: string, terms: readonly Term[], counters: readonly Counter[]) {
    this.id = id;
    this.terms = terms;
    this.counters = counters;
  }
}

export interface LocalLedgerOptions {
  readonly clock: Clock;
  readonly lease: Lease;
  /** Where counters outlive the process; absent: nowhere. */
  readonly kept?: KeptCounters;
  /** Most counters at a time, 200,000 by default: about 40 MB. */
  readonly mostCounters?: number;
}

/** A ledger in this process alone, whose counters end with it unless they are kept. Everything is at hand, so one turn of the event loop is atomic. */
export function createLocalLedger({
  clock,
  lease,
  kept,
  mostCounters = MOST_COUNTERS,
}: LocalLedgerOptions): Ledger & { renew(): void } {
  const counters = new Map<string, { readonly counter: Counter; readonly term: Term }>();
  /* A term is made once for each key of a budget: most calls find its counter without its name. */
  const byTerm = new WeakMap<Term, Counter>();
  const open = createOpenSet<LocalHold>();
  let sweepAt = 1_024;

  function counterOf(term: Term): Counter {
    if (term.lone) return new Counter();
    const found = byTerm.get(term);
    if (found !== undefined && !found.gone) return found;
    const counter = counterNamed(term);
    byTerm.set(term, counter);
    return counter;
  }

  function counterNamed(term: Term): Counter {
    const name = `${term.group}\0${term.key}`;
    const known = counters.get(name);
    if (known !== undefined) return known.counter;
    if (counters.size >= sweepAt) {
      sweep();
      if (counters.size >= mostCounters) forgetIdle();
      sweepAt = Math.min(mostCounters, Math.max(1_024, counters.size * 2));
      if (counters.size >= mostCounters)
        throw new GatewayError("state_unavailable", "More budgets are in use than this gateway can keep count of.");
    }
    const counter = kept === undefined ? new Counter() : kept.make(term);
    counters.set(name, { counter, term });
    return counter;
  }

  function sweep(): void {
    const nowMs = clock.now();
    for (const [name, { counter, term }] of counters) if (isIdle(counter, term, nowMs)) forget(name, counter);
  }

  function forget(name: string, counter: Counter): void {
    counter.gone = true;
    counters.delete(name);
  }

  /* Chains come without end. Those not heard of for longest are taken for over, a tenth at a time: the others go on. */
  function forgetIdle(): void {
    let left = Math.ceil(mostCounters / 10);
    const idle = [...counters].filter(([, { counter, term }]) => term.idleMs !== undefined && counter.reserved === 0);
    for (const [name, { counter }] of idle.toSorted(
      ([, one], [, other]) => one.counter.seenMs - other.counter.seenMs,
    )) {
      if (left-- === 0) return;
      forget(name, counter);
    }
  }

  /* Holds point to their counters, so one that is in use must stay. */
  function isIdle(counter: Counter, term: Term, nowMs: number): boolean {
    if (counter.seenMs + 2 * lease.lengthMs > nowMs || counter.reserved > 0 || counter.debt > 0) return false;
    if (term.window !== "none") return windowEnd(term.window, counter.windowStartMs) + 2 * lease.lengthMs < nowMs;
    return counter.spent === 0 || (term.idleMs !== undefined && counter.seenMs + term.idleMs < nowMs);
  }

  const known = (hold: Hold): LocalHold => {
    if (hold instanceof LocalHold) return hold;
    throw new TypeError("This hold is another ledger's.");
  };

  return {
    open: (id, terms) => new LocalHold(id, terms, terms.map(counterOf)),
    reserve(given, amounts) {
      const hold = known(given);
      const { state, standing } = reserveIn(hold.counters, hold.terms, amounts, clock.now(), lease);
      hold.state = state;
      if (state !== undefined) open.add(hold);
      return standing;
    },
    extend(given, used, totals) {
      const hold = known(given);
      if (hold.state === undefined) return { fits: false, nowMs: clock.now(), used: [], endsMs: [], debts: [] };
      return extendIn(hold.counters, hold.terms, hold.state, used, totals, clock.now(), lease);
    },
    settle(given, used) {
      const hold = known(given);
      if (hold.state === undefined) return;
      settleIn(hold.counters, hold.terms, hold.state, used, clock.now());
      kept?.booked(hold.counters);
      hold.state = undefined;
      open.delete(hold);
    },
    read(terms): Standing {
      const found = terms.map(counterOf);
      return reserveIn(
        found,
        terms,
        terms.map(() => 0),
        clock.now(),
        lease,
      ).standing;
    },
    renew() {
      for (const hold of open.all())
        if (hold.state !== undefined) renewIn(hold.counters, hold.terms, hold.state, clock.now(), lease);
    },
    close: async () => kept?.close(),
  };
}
