import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Meter } from "../../core/meter.ts";
import type { Upstream } from "../../http/upstream.ts";
import { AnswerCache, type Flush, type StoredEntry } from "./answer-cache.ts";
import { type CacheMetrics, createCacheMetrics, type Saved } from "./cache-metrics.ts";
import type { CacheConfig } from "./config.ts";
import { createEmbedder } from "./embedders/registry.ts";
import { Semantic } from "./semantic.ts";
import { SingleFlight } from "./single-flight.ts";
import { createVectors } from "./vectors/registry.ts";

/** What the cache holds of one tenant's calls of one model, and what that has saved since the gateway started. */
export interface CacheLine extends Saved {
  readonly tenant: string;
  readonly model: string;
  readonly entries: number;
  readonly bytes: number;
}

export interface CacheReport {
  readonly entries: number;
  readonly bytes: number;
  readonly limitBytes: number;
  readonly ttlMs: number;
  /** The largest first. */
  readonly lines: readonly CacheLine[];
}

/** The answers of one process. Outlives epochs that do not change its configuration. */
export interface Cache {
  readonly config: CacheConfig;
  readonly answers: Pick<AnswerCache, "get" | "count" | "sizeBytes">;
  /** Equal calls under way. */
  readonly flights: SingleFlight<StoredEntry>;
  /** Undefined: only equal calls are looked for. */
  readonly semantic: Pick<Semantic, "find" | "toVector"> | undefined;
  readonly metrics: CacheMetrics;
  /** `vector`: of the question, where one was made. */
  keep(entry: StoredEntry, vector: Float32Array | undefined): void;
  /** How many answers went. */
  flush(which: Flush): number;
  report(): CacheReport;
  close(): Promise<void>;
}

export interface CacheOptions {
  readonly config: CacheConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly upstream: Upstream;
}

/* A vector goes with its answer; this only keeps what holds both from being unbounded. */
const MOST_VECTORS = 1_000_000;
/* Its place in the store: id, expiry and sketch. */
const PLACE_BYTES = 256;
const LINES_SHOWN = 1_000;

export function createCache(options: CacheOptions): Cache {
  const { config, clock, meter } = options;
  const metrics = createCacheMetrics(meter);
  const semantic = config.semantic && createSemantic(config.semantic, options);
  const isInProcess = config.semantic?.vectors === "memory";
  const answers = new AnswerCache({
    limitBytes: config.size,
    answerLimitBytes: config.entry,
    onRemoved: (entry) => semantic?.remove(entry),
  });
  return {
    config,
    answers,
    flights: new SingleFlight(),
    semantic,
    metrics,
    keep(entry, vector) {
      const vectorBytes = vector === undefined || !isInProcess ? 0 : vector.byteLength + PLACE_BYTES;
      if (answers.set(entry, clock.now(), vectorBytes) && vector !== undefined) semantic?.keep(entry, vector);
      metrics.sized(answers);
    },
    flush(which) {
      const gone = answers.flush(which);
      metrics.sized(answers);
      return gone;
    },
    report: () => ({
      entries: answers.count,
      bytes: answers.sizeBytes,
      limitBytes: config.size,
      ttlMs: config.ttl,
      lines: linesOf(answers, metrics),
    }),
    async close() {
      /* Only what is in this process: what a vector store keeps elsewhere is its own matter. */
      answers.clear();
      metrics.sized(answers);
      await semantic?.close();
    },
  };
}

function createSemantic(
  { embedder: config, threshold, vectors }: NonNullable<CacheConfig["semantic"]>,
  { clock, log, meter, upstream }: CacheOptions,
): Semantic {
  const embedder = createEmbedder(config, { threshold, log, purpose: "an embedding for the cache" });
  const deps = { space: embedder.space, maxEntries: MOST_VECTORS, upstream, clock, log, meter };
  return new Semantic({ embedder, vectors: createVectors(vectors, deps), log, meter });
}

function linesOf(answers: AnswerCache, metrics: CacheMetrics): readonly CacheLine[] {
  const lines = new Map<string, { tenant: string; model: string; entries: number; bytes: number }>();
  for (const { partition, sizeBytes } of answers.entries()) {
    const { tenant, model } = partition;
    const name = JSON.stringify([tenant, model]);
    const line = lines.get(name) ?? { tenant, model, entries: 0, bytes: 0 };
    line.entries += 1;
    line.bytes += sizeBytes;
    lines.set(name, line);
  }
  return [...lines.values()]
    .toSorted((one, other) => other.bytes - one.bytes)
    .slice(0, LINES_SHOWN)
    .map((line) => {
      const { hits = 0, misses = 0, tokens = 0, costNanos = 0 } = metrics.of(line.tenant, line.model) ?? {};
      return { ...line, hits, misses, tokens, costNanos };
    });
}
