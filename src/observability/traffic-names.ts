import { Heaviest } from "../core/heaviest.ts";

/** What was counted under one name. */
export interface Tally {
  calls: number;
  failed: number;
  tokens: number;
  costNanos: number;
}

/** By what names are told apart. */
const nameKinds = ["models", "tenants", "denials", "failing"] as const;
export type NameKind = (typeof nameKinds)[number];

/** What was counted under names of one kind. */
export interface NamedTallies {
  /** Of each name at least so much. */
  readonly named: ReadonlyMap<string, Readonly<Tally>>;
  /** What was counted under names that are not kept. */
  readonly others: Readonly<Tally>;
}

/* Names come from callers too. The heaviest are kept. */
const MOST_NAMES = 100;
const MINUTE_MS = 60_000;
const MINUTES = 60;
const HOUR_MS = 3_600_000;
const HOURS = 25;

export const createTally = (): Tally => ({ calls: 0, failed: 0, tokens: 0, costNanos: 0 });

export function addTally(sum: Tally, { calls, failed, tokens, costNanos }: Readonly<Tally>): void {
  sum.calls += calls;
  sum.failed += failed;
  sum.tokens += tokens;
  sum.costNanos += costNanos;
}

/* What is dear where there are prices, else what is long, else what is frequent: a call costs more nano-dollars than it has tokens. */
const weightOf = ({ calls, tokens, costNanos }: Readonly<Tally>): number => calls + tokens + costNanos;

/** What was counted under names of one kind in one stretch of time. */
interface Counted {
  readonly others: Readonly<Tally>;
  each(visit: (name: string, tally: Readonly<Tally>) => void): void;
}

/** One that is being counted. */
class Names implements Counted {
  readonly others = createTally();
  readonly #heaviest = new Heaviest<Tally>(MOST_NAMES, createTally, ({ value }) => addTally(this.others, value));

  add(name: string, tally: Readonly<Tally>): void {
    addTally(this.#heaviest.add(name, weightOf(tally)).value, tally);
  }

  merge(from: Counted): void {
    from.each((name, tally) => this.add(name, tally));
    addTally(this.others, from.others);
  }

  each(visit: (name: string, tally: Readonly<Tally>) => void): void {
    for (const { name, value } of this.#heaviest.kept) visit(name, value);
  }

  /** The same in a sixth of the room. */
  close(): Counted {
    const names: string[] = [];
    const numbers: number[] = [];
    this.each((name, { calls, failed, tokens, costNanos }) => {
      names.push(name);
      numbers.push(calls, failed, tokens, costNanos);
    });
    const packed = Float64Array.from(numbers);
    return {
      others: this.others,
      each(visit) {
        for (const [at, name] of names.entries()) {
          const [calls = 0, failed = 0, tokens = 0, costNanos = 0] = packed.subarray(4 * at, 4 * at + 4);
          visit(name, { calls, failed, tokens, costNanos });
        }
      },
    };
  }
}

const forEachKind = <T>(make: (kind: NameKind) => T): Readonly<Record<NameKind, T>> => ({
  models: make("models"),
  tenants: make("tenants"),
  denials: make("denials"),
  failing: make("failing"),
});

interface Stretch<T extends Counted = Counted> {
  readonly at: number;
  readonly kinds: Readonly<Record<NameKind, T>>;
}

const openStretch = (at: number): Stretch<Names> => ({ at, kinds: forEachKind(() => new Names()) });
const close = ({ at, kinds }: Stretch<Names>): Stretch => ({ at, kinds: forEachKind((kind) => kinds[kind].close()) });

/** Who was busiest: names by minute for the last hour, and by hour for the last day; the 100 heaviest of a kind in each. */
export class TrafficNames {
  #minute = openStretch(-1);
  #hour = openStretch(-1);
  /* Those that are over. */
  readonly #minutes: Stretch[] = [];
  readonly #hours: Stretch[] = [];

  add(kind: NameKind, name: string, ms: number, tally: Readonly<Tally>): void {
    const at = Math.floor(ms / MINUTE_MS);
    if (at > this.#minute.at) this.#turn(at);
    this.#minute.kinds[kind].add(name, tally);
  }

  #turn(at: number): void {
    if (this.#minute.at >= 0) {
      const hour = Math.floor((this.#minute.at * MINUTE_MS) / HOUR_MS);
      if (hour > this.#hour.at) {
        if (this.#hour.at >= 0) pushBounded(this.#hours, close(this.#hour), HOURS - 1);
        this.#hour = openStretch(hour);
      }
      for (const kind of nameKinds) this.#hour.kinds[kind].merge(this.#minute.kinds[kind]);
      pushBounded(this.#minutes, close(this.#minute), MINUTES);
    }
    this.#minute = openStretch(at);
  }

  /** All since then, by minutes within the last hour and by hours before. */
  since(fromMs: number, nowMs: number): Readonly<Record<NameKind, NamedTallies>> {
    const byHours = nowMs - fromMs > MINUTES * MINUTE_MS;
    const [stretches, lengthMs] = byHours ? [[...this.#hours, this.#hour], HOUR_MS] : [this.#minutes, MINUTE_MS];
    const within: Stretch[] = stretches.filter(({ at }) => (at + 1) * lengthMs > fromMs);
    /* The one at hand is as old as the last call. */
    if ((this.#minute.at + 1) * MINUTE_MS > fromMs) within.push(this.#minute);
    return forEachKind((kind) => {
      const named = new Map<string, Tally>();
      const others = createTally();
      for (const { kinds } of within) {
        addTally(others, kinds[kind].others);
        kinds[kind].each((name, tally) => {
          let sum = named.get(name);
          if (sum === undefined) named.set(name, (sum = createTally()));
          addTally(sum, tally);
        });
      }
      return { named, others };
    });
  }
}

function pushBounded<T>(list: T[], item: T, most: number): void {
  list.push(item);
  if (list.length > most) list.shift();
}
