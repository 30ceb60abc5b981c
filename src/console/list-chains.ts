import { GatewayError } from "../core/errors.ts";
import type { Journal } from "../observability/journal.ts";
import type { ChainList, ChainOutcome, ChainRow, ChainSort } from "./api/chains.ts";
import type { ChainIndex } from "./chain-index.ts";
import { GrowingChain } from "./chain-rows.ts";

export interface ChainQuery {
  readonly sort: ChainSort;
  /** A part of an id, a principal, a tenant or the name of a target. */
  readonly q?: string;
  readonly outcome?: ChainOutcome;
  readonly limit: number;
  readonly after?: string;
}

const valueOf: Readonly<Record<ChainSort, (chain: GrowingChain) => number>> = {
  newest: ({ beganAtMs }) => beganAtMs,
  cost: ({ row }) => row.costNanos,
  calls: ({ row }) => row.calls,
};

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
  { sort, q, outcome, limit, after }: ChainQuery,
): Promise<ChainList> {
  const { chains, sinceMs, complete } = await index.look();
  const words = q?.trim().toLowerCase() ?? "";
  const value = valueOf[sort];
  let found = chains.filter(
    (chain) => (words === "" || chain.says(words)) && (outcome === undefined || chain.outcome === outcome),
  );
  if (found.length === 0 && !complete && /^[0-9a-f]{32}$/.test(words)) found = await findById(journal, words);
  const isBehind = (chain: GrowingChain, than: number, chainId: string): boolean =>
    value(chain) < than || (value(chain) === than && chain.chainId < chainId);
  found.sort((one, other) => (isBehind(one, value(other), other.chainId) ? 1 : -1));
  const from = after === undefined ? undefined : parseAfter(after);
  const rest = from === undefined ? found : found.filter((chain) => isBehind(chain, from.value, from.chainId));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return {
    chains: page.map(({ row }): ChainRow => row),
    total: found.length,
    ...(rest.length > limit && last !== undefined && { next: `${value(last)}~${last.chainId}` }),
    coversSinceMs: sinceMs ?? null,
    complete,
  };
}

async function findById(journal: Pick<Journal, "query">, id: string): Promise<GrowingChain[]> {
  const limit = 1_000;
  const [asked] = (await journal.query({ request: id, limit: 1 })).records;
  const { records } = await journal.query({ chain: asked?.chainId ?? id, limit });
  const [first] = records;
  if (first === undefined) return [];
  const chain = new GrowingChain(first.chainId);
  for (const record of records) chain.add(record);
  return [chain];
}
