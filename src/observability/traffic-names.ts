import { Heaviest } from "../core/heaviest.ts";

/** What was counted under one name. */
export interface Tally {
  calls: number;
  failed: number;
  tokens: number;
  costNanos: number;
}

/** By what names are told apart. */
export const nameKinds = ["models", "tenants", "denials", "failing"] as const;
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

/** Names of one kind in one stretch of time. */
class Names {
  readonly others = createTally();
  readonly heaviest = new Heaviest<Tally>(MOST_NAMES, createTally, ({ value }) => addTally(this.others, value));

  add(name: string, tally: Readonly<Tally>): void {
    addTally(this.heaviest.add(name, weightOf(tally)).value, tally);
  }

  merge(from: Names): void {
    for (const { name, value } of from.heaviest.kept) this.add(name, value);
    addTally(this.others, from.others);
  }
}

type Kinds = Readonly<Record<NameKind, Names>>;
const createKinds = (): Kinds => ({
  models: new Names(),
  tenants: new Names(),
  denials: new Names(),
  failing: new Names(),
});

interface Stretch {
  readonly at: number;
  readonly kinds: Kinds;
}

/** Who was busiest: names by minute for the last hour, and by hour for the last day; the 100 heaviest of a kind in each. */
export class TrafficNames {
  #minute: Stretch = { at: -1, kinds: createKinds() };
  readonly #minutes: Stretch[] = [];
  readonly #hours: Stretch[] = [];

  add(kind: NameKind, name: string, ms: number, tally: Readonly<Tally>): void {
    const at = Math.floor(ms / MINUTE_MS);
    if (at > this.#minute.at) this.#turn(at);
    this.#minute.kinds[kind].add(name, tally);
  }

  #turn(at: number): void {
    if (this.#minute.at >= 0) {
      this.#minutes.push(this.#minute);
      if (this.#minutes.length > MINUTES) this.#minutes.shift();
      const hour = Math.floor((this.#minute.at * MINUTE_MS) / HOUR_MS);
      let last = this.#hours.at(-1);
      if (last?.at !== hour) {
        this.#hours.push((last = { at: hour, kinds: createKinds() }));
        if (this.#hours.length > HOURS) this.#hours.shift();
      }
      for (const kind of nameKinds) last.kinds[kind].merge(this.#minute.kinds[kind]);
    }
    this.#minute = { at, kinds: createKinds() };
  }

  /** All since then, by minutes within the last hour and by hours before. */
  since(fromMs: number, nowMs: number): Readonly<Record<NameKind, NamedTallies>> {
    const byHours = nowMs - fromMs > MINUTES * MINUTE_MS;
    const [stretches, lengthMs] = byHours ? [this.#hours, HOUR_MS] : [this.#minutes, MINUTE_MS];
    const within = stretches.filter(({ at }) => (at + 1) * lengthMs > fromMs);
    /* The one at hand is as old as the last call. */
    if ((this.#minute.at + 1) * MINUTE_MS > fromMs) within.push(this.#minute);
    const sumOf = (kind: NameKind): NamedTallies => {
      const named = new Map<string, Tally>();
      const others = createTally();
      for (const { kinds } of within) {
        addTally(others, kinds[kind].others);
        for (const { name, value } of kinds[kind].heaviest.kept) {
          let tally = named.get(name);
          if (tally === undefined) named.set(name, (tally = createTally()));
          addTally(tally, value);
        }
      }
      return { named, others };
    };
    return {
      models: sumOf("models"),
      tenants: sumOf("tenants"),
      denials: sumOf("denials"),
      failing: sumOf("failing"),
    };
  }
}
