import { type Heavy, Heaviest } from "../../core/heaviest.ts";
import type { OperationContext } from "../../core/step.ts";
import type { Line } from "../budget.ts";
import { type Window, windowStart } from "../ledger/windows.ts";

/** Who took how much of a counter in one of its windows. */
export interface KeptUse {
  /** All that was taken from then on is counted. */
  readonly sinceMs: number;
  readonly booked: number;
  readonly calls: number;
  /** In no order. Of each at least so much. */
  readonly chains: readonly ChainShare[];
  readonly principals: readonly { readonly principal: string; readonly booked: number; readonly calls: number }[];
  /** Whether nobody is missing in the lists. */
  readonly exact: boolean;
}

export interface ChainShare {
  readonly chainId: string;
  readonly principal: string;
  readonly booked: number;
  readonly calls: number;
  /** The call that took most. */
  readonly dearest: {
    readonly operationId: string;
    readonly timeMs: number;
    readonly target: string;
    readonly booked: number;
  };
}

export interface CounterAt {
  readonly budget: string;
  /** As it was written. */
  readonly limit: string;
  readonly key: string;
  /** When the window began; 0: it has none. */
  readonly startsAtMs: number;
}

/**
 * Who uses counters up, of this process and in bounded memory: sums by chain and by caller, of the counters that are used most, in the present window and
 * the one before. The journal of a busy gateway does not reach back a day. What it does reach is not kept here: limits per chain and of minutes.
 */
export interface CounterUses {
  add(context: OperationContext, lines: readonly Line[], booked: readonly number[]): void;
  find(counter: CounterAt): KeptUse | undefined;
}

/* Some 6 MB, where each has as many chains as are told apart in both windows. */
const MOST_COUNTERS = 128;
const MOST_CHAINS = 32;
const MOST_PRINCIPALS = 32;
const HOUR_MS = 3_600_000;

const isShort = (window: Window): boolean =>
  typeof window === "number" ? window < HOUR_MS : window === "second" || window === "minute";

interface Counted {
  calls: number;
}
interface CountedChain extends Counted {
  principal: string;
  dearest: ChainShare["dearest"];
}

class Use {
  readonly startsMs: number;
  readonly sinceMs: number;
  booked = 0;
  calls = 0;
  #exact = true;
  readonly #chains = new Heaviest<CountedChain>(
    MOST_CHAINS,
    () => ({ calls: 0, principal: "", dearest: { operationId: "", timeMs: 0, target: "", booked: 0 } }),
    () => (this.#exact = false),
  );
  readonly #principals = new Heaviest<Counted>(
    MOST_PRINCIPALS,
    () => ({ calls: 0 }),
    () => (this.#exact = false),
  );

  constructor(startsMs: number, sinceMs: number) {
    this.startsMs = startsMs;
    this.sinceMs = sinceMs;
  }

  add({ id, exchange, startedAtMs, operation }: OperationContext, booked: number): void {
    const { principal, chain } = exchange;
    this.booked += booked;
    this.calls += 1;
    const { value } = this.#chains.add(chain.id, booked);
    value.calls += 1;
    value.principal = principal.id;
    if (booked > value.dearest.booked)
      value.dearest = { operationId: id, timeMs: startedAtMs, target: operation.target.name, booked };
    this.#principals.add(principal.id, booked).value.calls += 1;
  }

  toKept(): KeptUse {
    const sure = ({ weight, missed }: Heavy<unknown>): number => weight - missed;
    return {
      sinceMs: this.sinceMs,
      booked: this.booked,
      calls: this.calls,
      chains: this.#chains.kept.map((heavy) => ({
        chainId: heavy.name,
        booked: sure(heavy),
        ...heavy.value,
      })),
      principals: this.#principals.kept.map((heavy) => ({
        principal: heavy.name,
        booked: sure(heavy),
        calls: heavy.value.calls,
      })),
      exact: this.#exact,
    };
  }
}

interface Kept {
  line: Line;
  now: Use;
  before: Use | undefined;
}

export function createCounterUses(clock: { now(): number }): CounterUses {
  const counters = new Map<string, Kept>();
  const beganMs = clock.now();
  /* When counters were last forgotten: what is new since may have been among them. */
  let forgotMs = 0;

  /** Forgets those with the fewest calls, which the journal can tell of. */
  function makeRoom(): void {
    if (counters.size < MOST_COUNTERS) return;
    const inOrder = [...counters].toSorted(([, one], [, other]) => one.now.calls - other.now.calls);
    for (const [key] of inOrder.slice(0, MOST_COUNTERS / 4)) counters.delete(key);
    forgotMs = clock.now();
  }

  function open(line: Line, startsMs: number): Kept {
    makeRoom();
    const sinceMs = forgotMs >= startsMs && forgotMs > 0 ? clock.now() : Math.max(startsMs, beganMs);
    const made: Kept = { line, now: new Use(startsMs, sinceMs), before: undefined };
    counters.set(line.term.key, made);
    return made;
  }

  return {
    add(context, lines, booked) {
      for (let at = 0; at < lines.length; at++) {
        const line = lines[at]!;
        const amount = booked[at]!;
        const { window } = line.limit;
        if (!(amount > 0) || line.budget.per === "chain" || isShort(window)) continue;
        const startsMs = windowStart(window, context.startedAtMs);
        const kept = counters.get(line.term.key) ?? open(line, startsMs);
        kept.line = line;
        if (startsMs > kept.now.startsMs) {
          kept.before = kept.now;
          kept.now = new Use(startsMs, Math.max(startsMs, beganMs));
        }
        if (startsMs === kept.now.startsMs) kept.now.add(context, amount);
        else if (startsMs === kept.before?.startsMs) kept.before.add(context, amount);
      }
    },
    find({ budget, limit, key, startsAtMs }) {
      for (const { line, now, before } of counters.values()) {
        if (line.key !== key || line.limit.text !== limit || line.budget.name !== budget) continue;
        const use = now.startsMs === startsAtMs ? now : before?.startsMs === startsAtMs ? before : undefined;
        return use?.toKept();
      }
      return undefined;
    },
  };
}
