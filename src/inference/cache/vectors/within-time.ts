import type { Clock } from "../../../core/clock.ts";
import { GatewayError } from "../../../core/errors.ts";
import type { Meter } from "../../../core/meter.ts";
import type { VectorStore } from "./vector-store.ts";

export interface WithinTimeOptions {
  /** For the metrics and messages. */
  readonly name: string;
  /** Longest wait for a search. */
  readonly limitMs: number;
  readonly clock: Clock;
  readonly meter: Meter;
}

/* So many failures, one after the other, and the store is left alone for a while: every call would wait for it in vain. */
const FAILURES_TO_REST = 3;
const REST_MS = 5_000;
/* What is written takes longer, and nobody waits for it. */
const WRITE_LIMIT_MS = 10_000;
/* Writes under way: what a store that hangs can hold in memory. */
const MOST_WRITES = 256;

/**
 * The store with a bound to everything: a search that takes longer rejects, a store that has failed several times is not asked for
 * five seconds, and writes that pile up are left out. Whoever asks takes a rejection for nothing found.
 */
export function withinTime(store: VectorStore, { name, limitMs, clock, meter }: WithinTimeOptions): VectorStore {
  const failed = meter.counter("cache_vectors_failures_total", "Work that a vector store did not do, by why", [
    "store",
    "why",
  ]);
  let failures = 0;
  let restsUntilMs = 0;
  let writes = 0;

  function refuse(why: "timeout" | "error" | "resting" | "busy", message: string, cause?: unknown): GatewayError {
    failed.add([name, why]);
    return new GatewayError(why === "timeout" ? "upstream_timeout" : "upstream_unavailable", message, { cause });
  }

  async function within<T>(work: () => Promise<T>, ms: number): Promise<T> {
    if (clock.monotonic() < restsUntilMs)
      throw refuse("resting", `The vector store ${name} has failed and is left alone.`);
    let timer: NodeJS.Timeout | undefined;
    let isLate = false;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        isLate = true;
        reject(new Error(`no answer within ${ms} ms`));
      }, ms);
    });
    try {
      const result = await Promise.race([work(), late]);
      failures = 0;
      return result;
    } catch (cause) {
      if (++failures >= FAILURES_TO_REST) restsUntilMs = clock.monotonic() + REST_MS;
      throw refuse(isLate ? "timeout" : "error", `The vector store ${name} did not answer.`, cause);
    } finally {
      clearTimeout(timer);
    }
  }

  async function write(work: () => Promise<void>): Promise<void> {
    if (writes >= MOST_WRITES) throw refuse("busy", `The vector store ${name} has too much to write.`);
    writes++;
    try {
      await within(work, WRITE_LIMIT_MS);
    } finally {
      writes--;
    }
  }

  return {
    put: (partition, entry) => write(() => store.put(partition, entry)),
    search: (partition, vector, query) => within(() => store.search(partition, vector, query), limitMs),
    remove: (partition, id) => write(() => store.remove(partition, id)),
    removePartition: (partition) => write(() => store.removePartition(partition)),
    close: () => store.close(),
  };
}
