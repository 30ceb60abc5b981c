import type { Clock } from "../../../src/core/clock.ts";
import type { Hold, Ledger } from "../../../src/budgets/ledger/ledger.ts";
import type { Term } from "../../../src/budgets/ledger/counter.ts";
import { type KnownHold, Oracle } from "./oracle.ts";
import { term } from "./terms.ts";

/** One step of a run: four dice, read as the step needs them. */
export type Step = readonly [verb: number, one: number, two: number, three: number];

export interface RunLedgers {
  /** A replica's ledger; a new one where it crashed. All share their counters. */
  open(): Ledger & { renew(): void | Promise<void> };
  readonly clock: Clock & { set(ms: number): void; pass(ms: number): void };
  /** Whether a ledger can die and leave its counters behind. */
  readonly canCrash: boolean;
}

interface Live {
  readonly hold: Hold;
  /** One for each tag: in a store, each has its own lease. */
  readonly known: readonly KnownHold[];
  readonly replica: number;
  readonly counters: readonly number[];
}

const REPLICAS = 3;
/* More holds than this are settled before new ones are taken. */
const MOST_LIVE = 24;

/* Small limits, so that they are reached all the time: with and without windows, of a tenant and of all. */
const makeTerms = (tag: string): readonly Term[] => [
  term(`${tag} a`, 100),
  term(`${tag} b`, 40, "second"),
  term(`${tag} c`, 300, "minute"),
  term(`${tag} d`, 70, "none", ""),
  term(`${tag} e`, 500, "month", ""),
  term(`${tag} f`, 60, 2_500),
];
const choices: readonly (readonly number[])[] = [[0], [1], [0, 1], [1, 2], [0, 3], [2, 4], [1, 3, 4], [3], [5], [0, 5]];

/** A run of steps against the oracle, which is asked after every one of them. */
export class Run {
  readonly #ledgers: RunLedgers;
  readonly #terms: readonly Term[];
  readonly #oracle: Oracle;
  readonly #replicas: (Ledger & { renew(): void | Promise<void> })[];
  readonly #tag: string;
  #live: Live[] = [];
  #count = 0;
  #last: Live | undefined;

  constructor(ledgers: RunLedgers, tag: string) {
    this.#ledgers = ledgers;
    this.#tag = tag;
    this.#terms = makeTerms(tag);
    this.#oracle = new Oracle(this.#terms, ledgers.canCrash);
    const first = ledgers.open();
    this.#replicas = Array.from({ length: REPLICAS }, () => (ledgers.canCrash ? ledgers.open() : first));
  }

  async step([verb, one, two, three]: Step): Promise<void> {
    const { clock } = this.#ledgers;
    if (this.#live.length >= MOST_LIVE) return this.#settle(one, two);
    if (verb < 40) return this.#reserve(one, two, three);
    if (verb < 65) return this.#settle(one, two);
    if (verb < 70) return this.#settleAgain(one, two);
    if (verb < 80) return this.#extend(one, two, three);
    if (verb < 84) return this.#renew();
    if (verb < 86) return this.#crash(one);
    /* Mostly a little; at times beyond the lease, a minute, a month, or backwards. */
    if (verb < 97) clock.pass(two * 3);
    else if (verb < 98) clock.pass(1_000 * one);
    else if (verb < 99) clock.set(clock.now() - two * 20);
    else if (three === 0) clock.pass(86_400_000 * 15);
    return undefined;
  }

  /** Settles everything and lets all leases end: what is used is then what was booked. */
  async finish(): Promise<void> {
    while (this.#live.length > 0) await this.#settle(0, 50);
    this.#ledgers.clock.pass(10_000);
    await this.#check(this.#terms.map((_, index) => index));
  }

  async #check(counters: readonly number[]): Promise<void> {
    const standing = await this.#replicas[0]!.read(counters.map((index) => this.#terms[index]!));
    const tags = this.#ledgers.canCrash ? ["", "t:team"] : [undefined];
    for (const tag of tags) {
      const own = counters.filter((index) => tag === undefined || this.#terms[index]!.group === tag);
      const places = own.map((index) => counters.indexOf(index));
      const part = {
        ...standing,
        used: places.map((at) => standing.used[at]!),
        debts: places.map((at) => standing.debts[at]!),
      };
      if (own.length > 0) this.#oracle.read(own, part, this.#ledgers.clock.now());
    }
  }

  async #reserve(one: number, two: number, three: number): Promise<void> {
    const counters = choices[one % choices.length]!;
    const amounts = counters.map((_, at) => (two + three * at) % 60);
    const replica = three % REPLICAS;
    const ledger = this.#replicas[replica]!;
    const hold = ledger.open(
      `${this.#tag} ${(this.#count += 1)}`,
      counters.map((index) => this.#terms[index]!),
    );
    const { fits } = await ledger.reserve(hold, amounts);
    const known = this.#reserveKnown(counters, amounts);
    if (fits !== (known !== undefined)) throw new Error(`it ${fits ? "fits" : "does not fit"}: ${amounts.join(", ")}`);
    if (known !== undefined) this.#live.push({ hold, known, replica, counters });
    await this.#check(counters);
  }

  /* A store is asked tag by tag, first for what all share, and gives it back when the tenant's own has no room. */
  #reserveKnown(counters: readonly number[], amounts: readonly number[]): readonly KnownHold[] | undefined {
    const nowMs = this.#ledgers.clock.now();
    const tags = this.#ledgers.canCrash ? ["", "t:team"] : [undefined];
    const taken: KnownHold[] = [];
    for (const tag of tags) {
      const own = counters.filter((index) => tag === undefined || this.#terms[index]!.group === tag);
      if (own.length === 0) continue;
      const known = this.#oracle.reserve(
        own,
        own.map((index) => amounts[counters.indexOf(index)]!),
        nowMs,
      );
      if (known !== undefined) {
        taken.push(known);
        continue;
      }
      for (const former of taken) this.#oracle.settle(former, [0, 0, 0], nowMs);
      return undefined;
    }
    return taken;
  }

  async #settle(one: number, two: number): Promise<void> {
    const [live] = this.#live.splice(one % Math.max(1, this.#live.length), 1);
    if (live === undefined) return;
    this.#last = live;
    await this.#book(live, two);
  }

  async #book({ hold, known, replica, counters }: Live, two: number): Promise<void> {
    const used = amountsOf(counters, known, ({ held, before }) => before + Math.floor((held * two) / 75));
    this.#replicas[replica]!.settle(hold, used);
    for (const each of known) this.#oracle.settle(each, pick(counters, used, each), this.#ledgers.clock.now());
    await this.#check(counters);
  }

  /* By the same replica, or, where counters are shared, by another that knows no more than the operation's id. */
  async #settleAgain(one: number, two: number): Promise<void> {
    const last = this.#last;
    if (last === undefined) return;
    const other = this.#replicas[one % REPLICAS]!;
    if (one < 50 || !this.#ledgers.canCrash) return this.#book(last, two);
    const { id, terms } = last.hold;
    other.settle(
      other.open(id, terms),
      terms.map(() => 1 + two),
    );
    await this.#check(last.counters);
  }

  async #extend(one: number, two: number, three: number): Promise<void> {
    const live = this.#live[one % Math.max(1, this.#live.length)];
    if (live === undefined) return;
    const { hold, known, replica, counters } = live;
    const used = amountsOf(counters, known, ({ held, before }) => before + Math.floor((held * two) / 100));
    const totals = amountsOf(counters, known, ({ held, before }) => before + held + (three % 30));
    const { fits } = await this.#replicas[replica]!.extend(hold, used, totals);
    /* Under two tags, what the first has set aside stays. */
    const expected = known.every((each) =>
      this.#oracle.extend(each, pick(counters, used, each), pick(counters, totals, each), this.#ledgers.clock.now()),
    );
    if (fits !== expected) throw new Error(`it ${fits ? "can" : "cannot"} be extended to ${totals.join(", ")}`);
    await this.#check(counters);
  }

  /** Every replica renews all it holds. */
  async #renew(): Promise<void> {
    for (const [replica, ledger] of [...new Set(this.#replicas)].entries()) {
      /* The first turn of a ledger in a store passes over what it has just told. */
      const own = this.#live.filter((live) => (this.#ledgers.canCrash ? live.replica === replica : true));
      await ledger.renew();
      await ledger.renew();
      for (const { known } of [...own, ...own])
        for (const each of known) this.#oracle.renew(each, this.#ledgers.clock.now());
    }
    await this.#check([0, 1, 2, 3, 4]);
  }

  #crash(one: number): void {
    if (!this.#ledgers.canCrash) return;
    const replica = one % REPLICAS;
    this.#live = this.#live.filter((live) => live.replica !== replica);
    this.#replicas[replica] = this.#ledgers.open();
  }
}

/** A number for each counter of a hold, from what is known of its part. */
const amountsOf = (
  counters: readonly number[],
  known: readonly KnownHold[],
  toAmount: (part: KnownHold["parts"][number]) => number,
): readonly number[] =>
  counters.map((index) => {
    const own = known.find((each) => each.counters.includes(index))!;
    return toAmount(own.parts[own.counters.indexOf(index)]!);
  });

/** Those of the amounts that are of this part of the hold. */
const pick = (counters: readonly number[], amounts: readonly number[], known: KnownHold): readonly number[] =>
  known.counters.map((index) => amounts[counters.indexOf(index)]!);

/** Steps from a seed (mulberry32): the same seed gives the same run. */
export function* steps(seed: number, count: number): Generator<Step> {
  let state = seed;
  const next = (sides: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
  for (let index = 0; index < count; index += 1) yield [next(100), next(100), next(100), next(100)];
}
