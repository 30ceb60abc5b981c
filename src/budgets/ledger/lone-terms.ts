import type { Term } from "./counter.ts";
import type { Standing } from "./counting.ts";
import type { Hold, Ledger } from "./ledger.ts";

/* One operation's hold at both ledgers, and where the terms of each stand among all. */
class SplitHold implements Hold {
  readonly id: string;
  readonly terms: readonly Term[];
  readonly shared: Hold;
  readonly own: Hold;
  readonly sharedAt: readonly number[];
  readonly ownAt: readonly number[];

  constructor(id: string, terms: readonly Term[], shared: Ledger, own: Ledger) {
    this.id = id;
    this.terms = terms;
    this.sharedAt = terms.flatMap((term, at) => (term.lone ? [] : [at]));
    this.ownAt = terms.flatMap((term, at) => (term.lone ? [at] : []));
    this.shared = shared.open(id, pick(terms, this.sharedAt));
    this.own = own.open(id, pick(terms, this.ownAt));
  }
}

const pick = <T>(all: readonly T[], places: readonly number[]): T[] => places.map((at) => all[at]!);

/** Terms that nobody shares stay in this process; the store sees the others. `own` is a ledger in this process. */
export function keepLoneTerms(shared: Ledger, own: Ledger): Ledger {
  /* What is at hand is asked first: it costs nothing to give back. */
  async function reserveBoth(hold: SplitHold, amounts: readonly number[]): Promise<Standing> {
    const ours = pick(amounts, hold.ownAt);
    const near = await own.reserve(hold.own, ours);
    if (!near.fits || hold.sharedAt.length === 0) return join(hold, undefined, near);
    const giveBack = () =>
      own.settle(
        hold.own,
        ours.map(() => 0),
      );
    try {
      const far = await shared.reserve(hold.shared, pick(amounts, hold.sharedAt));
      if (far.fits) return join(hold, far, near);
      giveBack();
      return join(hold, far, { ...near, used: near.used.map((used, at) => used - ours[at]!) });
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  /* As in the store: what was set aside before another had no room stays so until the end. */
  async function extendBoth(hold: SplitHold, used: readonly number[], totals: readonly number[]): Promise<Standing> {
    const near = await own.extend(hold.own, pick(used, hold.ownAt), pick(totals, hold.ownAt));
    if (!near.fits || hold.sharedAt.length === 0) return join(hold, undefined, near);
    const far = await shared.extend(hold.shared, pick(used, hold.sharedAt), pick(totals, hold.sharedAt));
    return join(hold, far, near);
  }

  return {
    open(id, terms) {
      return terms.some(({ lone }) => lone) ? new SplitHold(id, terms, shared, own) : shared.open(id, terms);
    },
    reserve: (hold, amounts) =>
      hold instanceof SplitHold ? reserveBoth(hold, amounts) : shared.reserve(hold, amounts),
    extend: (hold, used, totals) =>
      hold instanceof SplitHold ? extendBoth(hold, used, totals) : shared.extend(hold, used, totals),
    settle(hold, used) {
      if (!(hold instanceof SplitHold)) return shared.settle(hold, used);
      own.settle(hold.own, pick(used, hold.ownAt));
      if (hold.sharedAt.length > 0) shared.settle(hold.shared, pick(used, hold.sharedAt));
    },
    read: (terms) => shared.read(terms),
    async close() {
      await Promise.all([shared.close(), own.close()]);
    },
  };
}

/** The standings of both in the order of all terms; one that was not asked stands as empty. */
function join({ terms, sharedAt, ownAt }: SplitHold, far: Standing | undefined, near: Standing): Standing {
  const used = terms.map(() => 0);
  const endsMs = [...used];
  const debts = [...used];
  const take = (standing: Standing, places: readonly number[]): void => {
    for (const [index, at] of places.entries()) {
      used[at] = standing.used[index] ?? 0;
      endsMs[at] = standing.endsMs[index] ?? 0;
      debts[at] = standing.debts[index] ?? 0;
    }
  };
  take(near, ownAt);
  if (far !== undefined) take(far, sharedAt);
  return { fits: near.fits && (far?.fits ?? true), nowMs: far?.nowMs ?? near.nowMs, used, endsMs, debts };
}
