import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { randomHex } from "../../core/ids.ts";
import type { Meter } from "../../core/meter.ts";
import type { Upstream } from "../../http/upstream.ts";
import { AnswerCache, type Flush, isFlushed, type StoredEntry } from "./answer-cache.ts";
import { type CacheMetrics, createCacheMetrics, type Saved } from "./cache-metrics.ts";
import type { CacheConfig } from "./config.ts";
import { createEmbedder } from "../embedders/registry.ts";
import { Semantic } from "./semantic.ts";
import type { Store } from "../../state/store.ts";
import { KeptAnswers, type LoadedEntry } from "./kept-answers.ts";
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
  readonly answers: Pick<AnswerCache, "get" | "count" | "sizeBytes" | "flushes">;
  /** Equal calls under way. */
  readonly flights: SingleFlight<StoredEntry>;
  /** Undefined: only equal calls are looked for. */
  readonly semantic: Pick<Semantic, "find" | "toVector"> | undefined;
  readonly metrics: CacheMetrics;
  /** `vector`: of the question, where one was made. */
  keep(entry: StoredEntry, vector: Float32Array | undefined): void;
  /** Resolves when what was kept before the gateway started is here again. */
  readonly loaded: Promise<void>;
  /** How many answers went, here and in the state. */
  flush(which: Flush): Promise<number>;
  report(): CacheReport;
  close(): Promise<void>;
}

export interface CacheOptions {
  readonly config: CacheConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly upstream: Upstream;
  readonly store: Store;
}

/* A vector goes with its answer; this only keeps what holds both from being unbounded. */
const MOST_VECTORS = 1_000_000;
/* Its place in the store: id, expiry and sketch. */
const PLACE_BYTES = 256;
const LINES_SHOWN = 1_000;

export function createCache(options: CacheOptions): Cache {
  const { config, clock, meter } = options;
  const metrics = createCacheMetrics(meter);
  const isInProcess = config.semantic?.vectors === "memory";
  const { durability } = options.store;
  /* What replicas share is not one process's to write: there a cache is each one's own. */
  const isKept = durability.survivesRestart && !durability.sharedAcrossReplicas;
  /* Vectors elsewhere outlive the answers of this process: those of another one are none of its own. */
  const namespace = isKept ? "" : `${randomHex(8)} `;
  const semantic = config.semantic && createSemantic(config.semantic, options, namespace);
  const kept = isKept ? new KeptAnswers({ ...options, space: semantic?.space ?? "" }) : undefined;
  const answers = new AnswerCache({
    limitBytes: config.size,
    answerLimitBytes: config.entry,
    onRemoved(entry) {
      kept?.remove(entry.key);
      semantic?.remove(entry);
    },
  });
  let isClosed = false;

  function add(entry: StoredEntry, vector: Float32Array | undefined): boolean {
    const vectorBytes = vector === undefined || !isInProcess ? 0 : vector.byteLength + PLACE_BYTES;
    return answers.set(entry, clock.now(), vectorBytes);
  }

  /* Whatever was asked for meanwhile is newer; and what does not fit beside it would push it out. */
  function take({ entry: former, vector }: LoadedEntry): boolean {
    const nowMs = clock.now();
    const { answer } = former;
    /* As long as answers are kept now. */
    const expiresAtMs = Math.min(answer.expiresAtMs, answer.storedAtMs + config.ttl);
    const entry = { ...former, answer: { ...answer, expiresAtMs } };
    if (isClosed || answers.sizeBytes + answer.bytes.length > config.size) return false;
    if (expiresAtMs <= nowMs || answers.get(entry.key, nowMs) !== undefined) return true;
    if (add(entry, vector) && vector !== undefined && isInProcess) semantic?.keep(entry, vector);
    return true;
  }

  const loaded =
    kept?.load(take).then(
      () => metrics.sized(answers),
      (error: unknown) => options.log.warn({ error }, "answers kept before the start could not be read"),
    ) ?? Promise.resolve();

  return {
    config,
    loaded,
    answers,
    flights: new SingleFlight(),
    semantic,
    metrics,
    keep(entry, vector) {
      if (add(entry, vector)) {
        if (vector !== undefined) semantic?.keep(entry, vector);
        kept?.keep(entry, vector);
      }
      metrics.sized(answers);
    },
    async flush(which) {
      /* What comes in afterwards would be there again. */
      await loaded;
      const gone = answers.flush(which);
      metrics.sized(answers);
      /* Those as well that had no room here. */
      await kept?.drop((partition) => isFlushed(which, partition));
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
      isClosed = true;
      await kept?.flush();
      answers.clear();
      metrics.sized(answers);
      await semantic?.close();
    },
  };
}

function createSemantic(
  { embedder: config, threshold, vectors }: NonNullable<CacheConfig["semantic"]>,
  { clock, log, meter, upstream }: CacheOptions,
  namespace: string,
): Semantic {
  const embedder = createEmbedder(config, { threshold, log, purpose: "an embedding for the cache" });
  const deps = { space: embedder.space, maxEntries: MOST_VECTORS, upstream, clock, log, meter };
  return new Semantic({ embedder, vectors: createVectors(vectors, deps), log, meter, namespace });
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
