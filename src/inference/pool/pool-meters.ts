import type { Counter, Gauge, Meter } from "../../core/meter.ts";

/** What pools tell `/metrics`. */
export interface PoolMeters {
  readonly picks: Counter;
  readonly up: Gauge;
  readonly ejections: Counter;
  readonly scrapeFailures: Counter;
  readonly promptTokens: Counter;
  readonly cachedTokens: Counter;
  readonly waiting: Gauge;
  readonly dropped: Counter;
  readonly resent: Counter;
  readonly resolveFailures: Counter;
  /** Nothing is told any more of an endpoint that has left: pods come and go, and each has another address. */
  dropEndpoint(pool: string, host: string): void;
  /** Nor of a pool that is gone. */
  dropPool(pool: string): void;
}

export function createPoolMeters(meter: Meter): PoolMeters {
  const ofEndpoints = {
    picks: meter.counter("pool_picks_total", "Calls that an endpoint was picked for", ["pool", "endpoint"]),
    up: meter.gauge("pool_endpoint_up", "Whether an endpoint gets calls: 1 yes, 0 no", ["pool", "endpoint"]),
    ejections: meter.counter("pool_ejections_total", "Endpoints taken out because their calls failed", [
      "pool",
      "endpoint",
    ]),
    scrapeFailures: meter.counter(
      "pool_scrape_failures_total",
      "Scrapes that gave no metrics: refused, silent, or unreadable",
      ["pool", "endpoint", "reason"],
    ),
  };
  const ofPools = {
    promptTokens: meter.counter("pool_prompt_tokens_total", "Tokens of prompts that were sent, by estimate", ["pool"]),
    cachedTokens: meter.counter(
      "pool_cached_tokens_total",
      "Those of them that the picked endpoint should have had in its cache, by estimate",
      ["pool"],
    ),
    waiting: meter.gauge("pool_waiting", "Calls that wait for room in a pool", ["pool"]),
    dropped: meter.counter("pool_dropped_total", "Calls that no endpoint was asked to answer, by reason", [
      "pool",
      "reason",
    ]),
    resent: meter.counter("pool_resent_total", "Calls that one endpoint failed and another was asked to answer", [
      "pool",
    ]),
    resolveFailures: meter.counter("pool_resolve_failures_total", "Times a pool's name could not be resolved", [
      "pool",
    ]),
  };
  return {
    ...ofEndpoints,
    ...ofPools,
    dropEndpoint(pool, host) {
      for (const each of Object.values(ofEndpoints)) each.drop([pool, host]);
    },
    dropPool(pool) {
      for (const each of Object.values({ ...ofEndpoints, ...ofPools })) each.drop([pool]);
    },
  };
}
