import { GatewayError } from "../core/errors.ts";
import type { Journal } from "../observability/journal.ts";
import type { ChainList, ChainOutcome, ChainRow, ChainSort } from "./api/chains.ts";
import { isId } from "./find-operation.ts";
import type { ChainIndex } from "./chain-index.ts";
import { type CounterQuery, GrowingChain } from "./chain-rows.ts";

export interface ChainQuery {
  readonly sort: ChainSort;
  /** A part of an id, a principal, a tenant or the name of a target, a rule, a budget or a kind of error. */
  readonly q?: string;
  readonly outcome?: ChainOutcome;
  /** Chains without a call that policy judges (handshakes, lists) are left out. */
  readonly only?: "calls";
  /** The rule that denied a call of it. */
  readonly rule?: string;
  /** The budget that refused a call of it. */
  readonly budget?: string;
  /** The kind of the error that a call of it failed with. */
  readonly error?: string;
  /** It was under way then: milliseconds since the epoch. */
  readonly from?: number;
  readonly to?: number;
  /** The budget that it was charged in; `sort=used` goes with it. */
  readonly charged?: string;
  /** The limit of that budget, as it was written. */
  readonly under?: string;
  /** The key of that limit's counter. */
  readonly key?: string;
  readonly limit: number;
  readonly after?: string;
}

function valueOf(sort: ChainSort, counter: CounterQuery | undefined): (chain: GrowingChain) => number {
  switch (sort) {
    case "newest":
      return ({ beganAtMs }) => beganAtMs;
    case "cost":
      return ({ row }) => row.costNanos;
    case "calls":
      return ({ calls }) => calls;
    case "used":
      return (chain) => (counter === undefined ? 0 : (chain.usedOf(counter)?.amount ?? 0));
  }
}

/** A budget's limits may count different things: a sum is of one of them. */
function counterOf({ sort, charged, under, key }: ChainQuery): CounterQuery | undefined {
  if (
    charged === undefined
      ? sort === "used" || under !== undefined || key !== undefined
      : sort === "used" && under === undefined
  )
    throw new GatewayError(
      "invalid_params",
      "`sort=used` needs `charged` and `under`, and `under` and `key` need `charged`.",
    );
  return charged === undefined ? undefined : { budget: charged, limit: under, key };
}

/** Whether a chain is one that is asked for. */
function toCondition(
  { q, only, outcome, rule, budget, error, from, to }: ChainQuery,
  counter: CounterQuery | undefined,
) {
  const words = q?.trim().toLowerCase() ?? "";
  return (chain: GrowingChain): boolean =>
    (only === undefined || chain.calls > 0) &&
    (from === undefined || chain.endMs >= from) &&
    (to === undefined || chain.beganAtMs <= to) &&
    (outcome === undefined || chain.had(outcome)) &&
    (rule === undefined || chain.wasDeniedBy(rule)) &&
    (budget === undefined || chain.wasRefusedBy(budget)) &&
    (error === undefined || chain.failedWith(error)) &&
    (counter === undefined || chain.usedOf(counter) !== undefined) &&
    (words === "" || chain.says(words));
}

/** Where a page ended: new chains before it move nothing behind it. */
function parseAfter(after: string): { readonly value: number; readonly chainId: string } {
  const [, value, chainId] = /^(-?\d+(?:\.\d+)?)~(.{1,256})$/.exec(after) ?? [];
  if (value === undefined || chainId === undefined)
    throw new GatewayError("invalid_params", "`after` must be the `next` of a page of chains.");
  return { value: Number(value), chainId };
}

/** One page of chains. An id that is older than what was looked at is found all the same, where it is given whole. */
export async function listChains(
  index: ChainIndex,
  journal: Pick<Journal, "query">,
  query: ChainQuery,
): Promise<ChainList> {
  const { sort, limit, after } = query;
  const counter = counterOf(query);
  const { chains, sinceMs, complete } = await index.look();
  const words = query.q?.trim().toLowerCase() ?? "";
  const value = valueOf(sort, counter);
  let found = chains.filter(toCondition(query, counter));
  if (found.length === 0 && isId(words)) {
    const { q: _id, ...others } = query;
    found = (await findById(chains, journal, words)).filter(toCondition(others, counter));
  }
  const isBehind = (chain: GrowingChain, than: number, chainId: string): boolean =>
    value(chain) < than || (value(chain) === than && chain.chainId < chainId);
  found.sort((one, other) => (isBehind(one, value(other), other.chainId) ? 1 : -1));
  const from = after === undefined ? undefined : parseAfter(after);
  const rest = from === undefined ? found : found.filter((chain) => isBehind(chain, from.value, from.chainId));
  const page = rest.slice(0, limit);
  const toRow = (chain: GrowingChain): ChainRow => {
    const used = counter?.limit === undefined ? undefined : chain.usedOf(counter);
    return used === undefined ? chain.row : { ...chain.row, used };
  };
  const last = page.at(-1);
  return {
    chains: page.map(toRow),
    total: found.length,
    ...(rest.length > limit && last !== undefined && { next: `${value(last)}~${last.chainId}` }),
    coversSinceMs: sinceMs ?? null,
    complete,
  };
}

/* A chain knows the first of its requests alone, and the index the newest records. */
async function findById(
  chains: readonly GrowingChain[],
  journal: Pick<Journal, "query">,
  id: string,
): Promise<GrowingChain[]> {
  const limit = 1_000;
  const [asked] = (await journal.query({ request: id, limit: 1 })).records;
  const chainId = asked?.chainId ?? id;
  const known = chains.find((chain) => chain.chainId === chainId);
  if (known !== undefined) return [known];
  const { records } = await journal.query({ chain: chainId, limit });
  const [first] = records;
  if (first === undefined) return [];
  const chain = new GrowingChain(first.chainId);
  for (const record of records) chain.add(record);
  return [chain];
}
