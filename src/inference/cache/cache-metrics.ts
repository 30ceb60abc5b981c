import type { Meter } from "../../core/meter.ts";
import type { AnswerCache, StoredAnswer } from "./answer-cache.ts";

/** How a call found the cache. `collapsed`: an equal call was under way, whose answer it was given too. */
export type LookupResult = "exact" | "semantic" | "collapsed" | "miss" | "bypass";

/** What the cache has done since the gateway started, for one tenant and model. */
export interface Saved {
  hits: number;
  misses: number;
  tokens: number;
  costNanos: number;
}

export interface CacheMetrics {
  looked(tenant: string, model: string, result: LookupResult): void;
  /** An answer that was given again has reached its caller. */
  saved(tenant: string, model: string, answer: StoredAnswer): void;
  /** The size of the cache has changed. */
  sized(answers: Pick<AnswerCache, "count" | "sizeBytes">): void;
  of(tenant: string, model: string): Readonly<Saved> | undefined;
}

const NANOS_PER_DOLLAR = 1e9;
/* Tenants come from credentials; beyond this many pairs a tenant's are not told apart in reports. */
const MOST_PAIRS = 10_000;

export function createCacheMetrics(meter: Meter): CacheMetrics {
  const lookups = meter.counter("cache_lookups_total", "Calls of models by how they found the cache", [
    "model",
    "result",
  ]);
  const tokens = meter.counter("cache_saved_tokens_total", "Tokens of answers given again", ["model"]);
  const dollars = meter.counter(
    "cache_saved_dollars_total",
    "What answers given again had cost when they were made, in US dollars",
    ["model"],
  );
  const entries = meter.gauge("cache_entries", "Answers in the cache", []);
  const bytes = meter.gauge("cache_bytes", "Memory that answers in the cache take", []);
  /* By what they change: after a reload there may be two caches for a while. */
  let told = { count: 0, sizeBytes: 0 };
  const pairs = new Map<string, Saved>();

  function pairOf(tenant: string, model: string): Saved {
    const name = JSON.stringify([tenant, model]);
    let pair = pairs.get(name);
    if (pair === undefined) {
      pair = { hits: 0, misses: 0, tokens: 0, costNanos: 0 };
      if (pairs.size < MOST_PAIRS) pairs.set(name, pair);
    }
    return pair;
  }

  return {
    looked(tenant, model, result) {
      lookups.add([model, result]);
      if (result === "bypass") return;
      const pair = pairOf(tenant, model);
      if (result === "miss") pair.misses += 1;
      else pair.hits += 1;
    },
    saved(tenant, model, { usage, costNanos = 0 }) {
      const used = (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0);
      if (used > 0) tokens.add([model], used);
      if (costNanos > 0) dollars.add([model], costNanos / NANOS_PER_DOLLAR);
      const pair = pairOf(tenant, model);
      pair.tokens += used;
      pair.costNanos += costNanos;
    },
    sized({ count, sizeBytes }) {
      entries.add([], count - told.count);
      bytes.add([], sizeBytes - told.sizeBytes);
      told = { count, sizeBytes };
    },
    of: (tenant, model) => pairs.get(JSON.stringify([tenant, model])),
  };
}
