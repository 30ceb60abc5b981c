import type { PoolState } from "../api/models.ts";

/** The last part of an endpoint's name: `local/local-1` is `local-1` among those of its pool. */
export const endpointName = (name: string): string => name.slice(name.lastIndexOf("/") + 1);

export const hostOf = (url: string): string => URL.parse(url)?.host ?? url;

/** Names of a pool's endpoints by host and port, as picks have them. One that is gone keeps its host for a name. */
export function endpointNames(pools: readonly PoolState[], pool: string): ReadonlyMap<string, string> {
  const endpoints = pools.find((known) => known.pool === pool)?.endpoints ?? [];
  return new Map(endpoints.map(({ url, name }) => [hostOf(url), endpointName(name)]));
}
