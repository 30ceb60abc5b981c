import type { Spend } from "./spend-rows.ts";

/* Of the chains of one writing, so many get a row of their own, and so many of a day. */
const MOST_AT_ONCE = 50;
const MOST_OF_DAY = 2_000;

type ChainSpend = readonly [chain: string, spend: Spend];

/**
 * Chooses the chains that are told apart in reports. Nearly every request is a chain of its own: a row for each would fill the store
 * with what costs next to nothing. A cheaper one is in the sum of its tenant alone.
 */
export function createDearestChains(): (dayMs: number, chains: Iterable<ChainSpend>) => readonly ChainSpend[] {
  let ofDayMs = 0;
  /* What the dearest of the day have cost, and the least of them. */
  let costs = new Map<string, number>();
  let least = 0;

  const isDear = ([chain, { costNanos }]: ChainSpend): boolean =>
    costs.has(chain) || costs.size < MOST_OF_DAY || costNanos > least;

  return (dayMs, chains) => {
    if (dayMs !== ofDayMs) {
      ofDayMs = dayMs;
      costs = new Map();
      least = 0;
    }
    const kept = [...chains]
      .filter(isDear)
      .toSorted(([, one], [, other]) => other.costNanos - one.costNanos)
      .slice(0, MOST_AT_ONCE);
    for (const [chain, { costNanos }] of kept) costs.set(chain, (costs.get(chain) ?? 0) + costNanos);
    if (costs.size > MOST_OF_DAY) {
      const inOrder = [...costs].toSorted(([, one], [, other]) => other - one).slice(0, MOST_OF_DAY);
      costs = new Map(inOrder);
      least = inOrder.at(-1)?.[1] ?? 0;
    }
    return kept;
  };
}
