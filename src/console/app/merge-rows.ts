import type { ChainRow } from "../api/chains.ts";

/** What is new in front, what has changed in its place, and the rest as it was. */
export function mergeRows(known: readonly ChainRow[], fresh: readonly ChainRow[]): readonly ChainRow[] {
  const byId = new Map(fresh.map((row) => [row.chainId, row]));
  const old = new Set(known.map(({ chainId }) => chainId));
  return [...fresh.filter(({ chainId }) => !old.has(chainId)), ...known.map((row) => byId.get(row.chainId) ?? row)];
}
