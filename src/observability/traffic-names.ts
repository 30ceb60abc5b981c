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
type Names = Readonly<Record<NameKind, Map<string, Tally>>>;

/* Names come from callers too. What is beyond counts under no name. */
const MOST_NAMES = 100;
const MINUTE_MS = 60_000;
const MINUTES = 60;
const HOUR_MS = 3_600_000;
const HOURS = 25;

const createNames = (): Names => ({ models: new Map(), tenants: new Map(), denials: new Map(), failing: new Map() });

function tallyOf(names: Map<string, Tally>, name: string): Tally | undefined {
  let tally = names.get(name);
  if (tally === undefined && names.size < MOST_NAMES)
    names.set(name, (tally = { calls: 0, failed: 0, tokens: 0, costNanos: 0 }));
  return tally;
}

function merge(into: Names, from: Names): void {
  for (const kind of nameKinds) {
    for (const [name, { calls, failed, tokens, costNanos }] of from[kind]) {
      const tally = tallyOf(into[kind], name);
      if (tally === undefined) continue;
      tally.calls += calls;
      tally.failed += failed;
      tally.tokens += tokens;
      tally.costNanos += costNanos;
    }
  }
}

interface Stretch {
  readonly at: number;
  readonly names: Names;
}

/** Who was busiest: names by minute for the last hour, and by hour for the last day; at most 100 of a kind in each. */
export class TrafficNames {
  #minute: Stretch = { at: -1, names: createNames() };
  readonly #minutes: Stretch[] = [];
  readonly #hours: Stretch[] = [];

  add(kind: NameKind, name: string, ms: number, failed: boolean, tokens: number, costNanos: number): void {
    const at = Math.floor(ms / MINUTE_MS);
    if (at > this.#minute.at) this.#turn(at);
    const tally = tallyOf(this.#minute.names[kind], name);
    if (tally === undefined) return;
    tally.calls += 1;
    if (failed) tally.failed += 1;
    tally.tokens += tokens;
    tally.costNanos += costNanos;
  }

  #turn(at: number): void {
    if (this.#minute.at >= 0) {
      this.#minutes.push(this.#minute);
      if (this.#minutes.length > MINUTES) this.#minutes.shift();
      const hour = Math.floor((this.#minute.at * MINUTE_MS) / HOUR_MS);
      let last = this.#hours.at(-1);
      if (last?.at !== hour) {
        this.#hours.push((last = { at: hour, names: createNames() }));
        if (this.#hours.length > HOURS) this.#hours.shift();
      }
      merge(last.names, this.#minute.names);
    }
    this.#minute = { at, names: createNames() };
  }

  /** All since then, by minutes within the last hour and by hours before. */
  since(fromMs: number, nowMs: number): Names {
    const sum = createNames();
    const byHours = nowMs - fromMs > MINUTES * MINUTE_MS;
    const [stretches, lengthMs] = byHours ? [this.#hours, HOUR_MS] : [this.#minutes, MINUTE_MS];
    for (const { at, names } of stretches) if ((at + 1) * lengthMs > fromMs) merge(sum, names);
    merge(sum, this.#minute.names);
    return sum;
  }
}
