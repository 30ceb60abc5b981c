import type { Term } from "./counter.ts";
import type { Standing } from "./counting.ts";

/**
 * What one attempt of an operation holds, at the ledger that made it. Not settled, it keeps what it reserved until its lease ends, and
 * is renewed until then.
 */
export interface Hold {
  /** The attempt's own; settling it twice does nothing. */
  readonly id: string;
  readonly terms: readonly Term[];
}

/**
 * Where reservations live. `spent + reserved <= limit` holds for every counter at every instant. Amounts are whole numbers in the
 * order of the terms. Answers are at hand, without a promise, where the counters are in this process; a store that cannot answer
 * in time rejects with GatewayError("state_unavailable").
 */
export interface Ledger {
  /** A hold with nothing in it. */
  open(id: string, terms: readonly Term[]): Hold;
  /** Reserves all amounts or none. */
  reserve(hold: Hold, amounts: readonly number[]): Standing | Promise<Standing>;
  /** Brings what is reserved to these totals, or changes nothing. `used`: what was used so far. */
  extend(hold: Hold, used: readonly number[], totals: readonly number[]): Standing | Promise<Standing>;
  /** Gives everything back and books what was used. Never throws: a store that cannot be reached is told later. */
  settle(hold: Hold, used: readonly number[]): void;
  /** How counters stand, without a change. */
  read(terms: readonly Term[]): Standing | Promise<Standing>;
  /** Resolves when everything that was settled is booked, or cannot be. */
  close(): Promise<void>;
}

/** Goes on with an answer of the ledger, at once where it is at hand. */
export function whenHere<T>(answer: T | Promise<T>, then: (answer: T) => void | Promise<void>): void | Promise<void> {
  return answer instanceof Promise ? answer.then(then) : then(answer);
}
