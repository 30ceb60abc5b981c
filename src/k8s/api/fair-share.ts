import type { Followed } from "./api-object.ts";

/** As many Secrets and ConfigMaps as are followed for themselves, of a namespace and of all: each holds a connection. */
const NAMESPACE_LIMIT = 100;
const TOTAL_LIMIT = 1_000;
/** As many namespaces as are followed whole, for their pods. */
const WHOLE_LIMIT = 1_000;

/** How a thing that is asked for is known already. */
export type Known = "found" | "followed" | undefined;

/** What of it is followed, by key, and why the rest is not. */
export interface Shares {
  readonly taken: ReadonlyMap<string, Followed>;
  readonly denied: ReadonlyMap<string, string>;
}

export const onDemandKey = ({ plural, namespace, name }: Pick<Followed, "plural" | "namespace" | "name">): string =>
  `${plural} ${namespace ?? ""} ${name ?? ""}`;

/**
 * Shares out what can be followed, so that nobody loses anything because others ask for more: what is there and known comes first, the
 * rest by turns, one of each namespace.
 */
export function shareOut(asked: readonly Followed[], known: (key: string) => Known): Shares {
  const taken = new Map<string, Followed>();
  const denied = new Map<string, string>();
  const isKnown = (is: Known) => (each: Followed) => known(onDemandKey(each)) === is;
  const knownFirst = (all: readonly Followed[]) =>
    (["found", "followed", undefined] as const).flatMap((is) => all.filter(isKnown(is)));
  const take = (all: readonly Followed[], limit: number, why: string) => {
    for (const [index, each] of all.entries())
      if (index < limit) taken.set(onDemandKey(each), each);
      else denied.set(onDemandKey(each), why);
  };

  const whole = asked.filter(({ name }) => name === undefined);
  take(knownFirst(whole), WHOLE_LIMIT, `${whole.length} namespaces are followed for pods, and ${WHOLE_LIMIT} can be`);

  const named = asked.filter(({ name }) => name !== undefined);
  const turns: { readonly each: Followed; readonly turn: number }[] = [];
  for (const [namespace, own] of Map.groupBy(named, (each) => each.namespace)) {
    const why = `${own.length} Secrets and ConfigMaps of namespace ${namespace} are named, and ${NAMESPACE_LIMIT} of a namespace are read`;
    for (const [turn, each] of knownFirst(own).entries())
      if (turn < NAMESPACE_LIMIT) turns.push({ each, turn });
      else denied.set(onDemandKey(each), why);
  }
  const byTurn = turns.sort((a, b) => a.turn - b.turn).map(({ each }) => each);
  const inOrder = [...byTurn.filter(isKnown("found")), ...byTurn.filter((each) => !isKnown("found")(each))];
  take(inOrder, TOTAL_LIMIT, `${named.length} Secrets and ConfigMaps are named in all, and ${TOTAL_LIMIT} are read`);
  return { taken, denied };
}
