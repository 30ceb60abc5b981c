import type { Log } from "../../core/log.ts";
import type { Meter } from "../../core/meter.ts";
import type { Clock } from "../../core/clock.ts";
import type { Entry, Store, StoredRecord } from "../../state/store.ts";
import type { Partition, StoredAnswer, StoredEntry } from "./answer-cache.ts";

/** An answer as it lies in the state: with its question and that question's vector, so that none is without the others. */
interface KeptRecord {
  readonly partition: Partition;
  /** `bytes` in base64. */
  readonly answer: Omit<StoredAnswer, "bytes"> & { readonly bytes: string };
  readonly question: StoredEntry["question"] | null;
  /** Little-endian 32-bit numbers in base64, and the space they lie in. */
  readonly vector: string | null;
  readonly space: string;
}

export interface KeptAnswersOptions {
  readonly store: Store;
  /** Names what vectors mean: those of another embedder are left out. */
  readonly space: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** An answer that was there before the gateway started. */
export interface LoadedEntry {
  readonly entry: StoredEntry;
  readonly vector: Float32Array | undefined;
}

const COLLECTION = "cache-answers";
/* What a crash can take: an answer that is then a miss. */
const WRITE_AFTER_MS = 500;
/* At once, so that a file that is written in this process does not hold up its calls. */
const MOST_AT_ONCE = 32;
const PAGE = 32;
/* What waits for a store that is slow or away; beyond, the oldest is left out. */
const MOST_WAITING = 2_000;
const MOST_WAITING_BYTES = 33_554_432;

/** Answers in the state file, written behind and read once at start: they outlive a restart. */
export class KeptAnswers {
  readonly #options: KeptAnswersOptions;
  readonly #dropped;
  /* By key: what is to be written, or undefined for what is to go. */
  readonly #waiting = new Map<string, { readonly json: string; readonly expiresAtMs: number } | undefined>();
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: KeptAnswersOptions) {
    this.#options = options;
    this.#dropped = options.meter.counter(
      "cache_writes_dropped_total",
      "Answers not kept in the state for want of it",
      [],
    );
  }

  keep({ key, partition, answer, question }: StoredEntry, vector: Float32Array | undefined): void {
    const record: KeptRecord = {
      partition,
      answer: { ...answer, bytes: answer.bytes.toString("base64") },
      question: question ?? null,
      vector:
        vector === undefined
          ? null
          : Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64"),
      space: this.#options.space,
    };
    this.#wait(key, { json: JSON.stringify(record), expiresAtMs: answer.expiresAtMs });
  }

  remove(key: string): void {
    this.#wait(key, undefined);
  }

  #wait(key: string, what: { readonly json: string; readonly expiresAtMs: number } | undefined): void {
    this.#forget(key);
    this.#waiting.set(key, what);
    this.#waitingBytes += what?.json.length ?? 0;
    for (const oldest of this.#waiting.keys()) {
      if (this.#waiting.size <= MOST_WAITING && this.#waitingBytes <= MOST_WAITING_BYTES) break;
      /* One that was to go expires by itself. */
      if (this.#waiting.get(oldest) !== undefined) this.#dropped.add([]);
      this.#forget(oldest);
    }
    this.#timer ??= setTimeout(() => void this.flush(), WRITE_AFTER_MS).unref();
  }

  #forget(key: string): void {
    this.#waitingBytes -= this.#waiting.get(key)?.json.length ?? 0;
    this.#waiting.delete(key);
  }

  /** Writes what waits. A store that is away is tried again with what comes next. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const { store, clock, log } = this.#options;
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, MOST_AT_ONCE);
      for (const [key] of batch) this.#forget(key);
      const nowMs = clock.now();
      const entries = batch.flatMap(([key, what]): Entry<KeptRecord>[] =>
        what === undefined || what.expiresAtMs <= nowMs
          ? []
          : [{ key, json: what.json, ttlMs: what.expiresAtMs - nowMs }],
      );
      try {
        if (entries.length > 0) await store.putMany(COLLECTION, entries);
        for (const [key, what] of batch) if (what === undefined) await store.delete(COLLECTION, key);
      } catch (error) {
        this.#dropped.add([], batch.length);
        return log.warn({ error }, "answers of the cache could not be kept in the state");
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /**
   * Deletes every record whose partition `goes`, those that were never loaded among them, and what cannot be read. Rejects where the store
   * fails: then some are still there.
   */
  async drop(goes: (partition: Partition) => boolean): Promise<void> {
    const { store } = this.#options;
    await this.flush();
    for await (const { key, value } of this.#records())
      if (typeof value.partition?.tenant !== "string" || goes(value.partition)) await store.delete(COLLECTION, key);
  }

  /** What was kept before, page by page, until `take` wants no more. A record that cannot be read is passed over. */
  async load(take: (loaded: LoadedEntry) => boolean): Promise<void> {
    for await (const { key, value } of this.#records()) {
      const loaded = this.#read(key, value);
      if (loaded !== undefined && !this.#waiting.has(key) && !take(loaded)) return;
    }
  }

  async *#records(): AsyncIterable<StoredRecord<KeptRecord>> {
    let after: string | undefined;
    do {
      const page = await this.#options.store.list<KeptRecord>(COLLECTION, {
        limit: PAGE,
        ...(after !== undefined && { after }),
      });
      yield* page.records;
      after = page.next;
    } while (after !== undefined);
  }

  #read(key: string, { partition, answer, question, vector, space }: KeptRecord): LoadedEntry | undefined {
    /* Written by another version of the gateway, perhaps. */
    if (typeof answer?.bytes !== "string" || typeof partition?.tenant !== "string") return undefined;
    const isKnown = vector !== null && question !== null && space === this.#options.space;
    const bytes = isKnown ? Buffer.from(vector, "base64") : undefined;
    return {
      entry: {
        key,
        partition,
        answer: { ...answer, bytes: Buffer.from(answer.bytes, "base64") },
        question: isKnown ? question : undefined,
      },
      vector: bytes && new Float32Array(new Uint8Array(bytes).buffer),
    };
  }
}
