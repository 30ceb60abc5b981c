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
import { KeptAnswers } from "./kept-answers.ts";
import type { LoadedEntry } from "./kept-record.ts";
import { SharedAnswers, type SharedCall } from "./shared-answers.ts";
import { createSharedShelves, ownShelf } from "./shelves.ts";
import { SingleFlight } from "./single-flight.ts";
import { createVectors } from "./vectors/registry.ts";

/** What the cache holds of one tenant's calls of one model, and what that has saved since the gateway started. */
export interface CacheLine extends Saved {
  readonly tenant: string;
  readonly model: string;
  readonly entries: number;
  readonly bytes: number;
}

/** Of this process; `isShared`: replicas have answers of their own beside it, and the state those of all. */
export interface CacheReport {
  readonly isShared: boolean;
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
  /** Undefined: replicas share nothing. */
  readonly shared: BringShared | undefined;
  /** `vector`: of the question, where one was made. */
  keep(entry: StoredEntry, vector: Float32Array | undefined): void;
  /** Resolves when what was kept before the gateway started is here again. */
  readonly loaded: Promise<void>;
  /** How many answers went, here and in the state. */
  flush(which: Flush): Promise<number>;
  report(): CacheReport;
  close(): Promise<void>;
}

/** What replicas share. */
export interface BringShared {
  /** Their vectors, too: what is found may be none of this process's. */
  readonly hasVectors: boolean;
  /** Has the answer under this key in `answers`, where the state has one that belongs to this call. Never rejects. */
  bring(key: string, call: SharedCall): Promise<void>;
}

export interface CacheOptions {
  readonly config: CacheConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly upstream: Upstream;
  readonly store: Store;
  /** Names the gateways that share a store, or that were one after the other on one: others may use the same vector store. */
  readonly deployment: string;
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
  const { survivesRestart, sharedAcrossReplicas } = options.store.durability;
  /* Vectors elsewhere outlive the answers of a process that keeps none: those of another one are none of its own. */
  const namespace = `${survivesRestart ? options.deployment : randomHex(8)} `;
  const semantic = config.semantic && createSemantic(config.semantic, options, namespace);
  const space = semantic?.space ?? "";
  const isShared = survivesRestart && sharedAcrossReplicas;
  const kept = survivesRestart && !isShared ? new KeptAnswers({ ...options, space, shelves: ownShelf }) : undefined;
  const shared = isShared
    ? new SharedAnswers({
        ...options,
        space,
        shelves: createSharedShelves(options.store, config.size),
        flushHere(which) {
          answers.flush(which);
          metrics.sized(answers);
        },
      })
    : undefined;
  const hasSharedVectors = shared !== undefined && semantic !== undefined && !isInProcess;
  const answers = new AnswerCache({
    limitBytes: config.size,
    answerLimitBytes: config.entry,
    onRemoved(entry) {
      kept?.remove(entry.key);
      /* Others may find it still. */
      if (!hasSharedVectors) void semantic?.remove(entry);
    },
  });
  const removeVector = async (entry: Pick<StoredEntry, "key" | "question">) => semantic?.remove(entry);
  let isClosed = false;

  function add(entry: StoredEntry, vector: Float32Array | undefined): boolean {
    const vectorBytes = vector === undefined || !isInProcess ? 0 : vector.byteLength + PLACE_BYTES;
    return answers.set(entry, clock.now(), vectorBytes);
  }

  /** As long as answers are kept now, from a time that is not to come: clocks of replicas differ. Undefined where it has expired. */
  function renewed(entry: StoredEntry): StoredEntry | undefined {
    const nowMs = clock.now();
    const storedAtMs = Math.min(entry.answer.storedAtMs, nowMs);
    const expiresAtMs = Math.min(entry.answer.expiresAtMs, storedAtMs + config.ttl);
    return expiresAtMs <= nowMs ? undefined : { ...entry, answer: { ...entry.answer, storedAtMs, expiresAtMs } };
  }

  function put(entry: StoredEntry, vector: Float32Array | undefined): void {
    if (!isClosed && add(entry, vector) && vector !== undefined && isInProcess) semantic?.keep(entry, vector);
  }

  /* Whatever was asked for meanwhile is newer; and what does not fit beside it would push it out. */
  function take({ entry: former, vector }: LoadedEntry): boolean {
    if (isClosed || answers.sizeBytes + former.answer.bytes.length > config.size) return false;
    const entry = renewed(former);
    if (entry !== undefined && answers.get(entry.key, clock.now()) === undefined) put(entry, vector);
    return true;
  }

  async function bring(key: string, call: SharedCall): Promise<void> {
    const read = await shared?.read(key, call);
    /* Its vector would be found again and again. */
    if (read === "gone" && hasSharedVectors && key !== call.keys.key)
      void removeVector({ key, question: call.question });
    if (read === "gone" || read === undefined) return;
    const entry = renewed(read.entry);
    const here = answers.get(key, clock.now());
    if (entry === undefined || (here !== undefined && here.answer.storedAtMs >= entry.answer.storedAtMs)) return;
    put(entry, read.vector);
    metrics.sized(answers);
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
    shared: shared && { hasVectors: hasSharedVectors, bring },
    keep(entry, vector) {
      if (add(entry, vector)) {
        const keepVector = () => vector !== undefined && semantic?.keep(entry, vector);
        const ownVector = isInProcess ? vector : undefined;
        /* Who finds the vector is to find the answer, too. */
        if (!hasSharedVectors) keepVector();
        shared?.keep(entry, ownVector, hasSharedVectors ? keepVector : undefined);
        kept?.keep(entry, ownVector, null);
      }
      metrics.sized(answers);
    },
    async flush(which) {
      /* What comes in afterwards would be there again. */
      await loaded;
      const gone = new Set(answers.flush(which));
      metrics.sized(answers);
      /* Those as well that had no room here, or were kept by others. */
      const dropped = (entry: Pick<StoredEntry, "key" | "question">) => {
        gone.add(entry.key);
        return removeVector(entry);
      };
      await kept?.drop((partition) => isFlushed(which, partition), dropped);
      await shared?.flush(which, dropped);
      return gone.size;
    },
    report: () => ({
      isShared,
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
      await shared?.close();
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
