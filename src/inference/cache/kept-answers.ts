import type { Log } from "../../core/log.ts";
import type { Meter } from "../../core/meter.ts";
import type { Clock } from "../../core/clock.ts";
import type { Entry, Store, StoredRecord } from "../../state/store.ts";
import type { Partition, StoredEntry } from "./answer-cache.ts";
import type { FlushMark } from "./flush-log.ts";
import { fromRecord, type KeptRecord, type LoadedEntry, partitionIn, toRecord } from "./kept-record.ts";

/** The collections of the store in which answers lie. */
export interface Shelves {
  readonly names: readonly string[];
  /** The one that takes so many bytes now. */
  toPut(bytes: number): Promise<string>;
  /** What one record, and one batch of them, may have at most. */
  readonly mostBytes: number;
}

export interface KeptAnswersOptions {
  readonly store: Store;
  readonly shelves: Shelves;
  /** Names what vectors mean: those of another embedder are left out. */
  readonly space: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

interface Waiting {
  readonly json: string;
  readonly bytes: number;
  readonly partition: Partition;
  readonly expiresAtMs: number;
  readonly onKept: (() => void) | undefined;
}

/* What a crash can take: an answer that is then a miss. */
const WRITE_AFTER_MS = 500;
/* At once, so that a store that writes in this process, or has more to do than this, does not hold up its calls. */
const MOST_AT_ONCE = 32;
const MOST_BYTES_AT_ONCE = 1_048_576;
const PAGE = 32;
/* What waits for a store that is slow or away; beyond, the oldest is left out. */
const MOST_WAITING = 2_000;
const MOST_WAITING_BYTES = 33_554_432;
/** What a record takes in the store beside its text: its key, three times, and what holds it. */
const RECORD_BYTES = 1_024;

/** Answers in the state, written behind: they outlive a restart. */
export class KeptAnswers {
  readonly #options: KeptAnswersOptions;
  readonly #dropped;
  /* By key: what is to be written, or undefined for what is to go. */
  readonly #waiting = new Map<string, Waiting | undefined>();
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

  /** `onKept` is called when it lies in the store. */
  keep(entry: StoredEntry, vector: Float32Array | undefined, mark: FlushMark | null, onKept?: () => void): void {
    const json = JSON.stringify(toRecord(entry, vector, this.#options.space, mark));
    const bytes = Buffer.byteLength(json) + RECORD_BYTES;
    if (bytes > this.#options.shelves.mostBytes) return this.#dropped.add([]);
    const { partition, answer } = entry;
    this.#wait(entry.key, { json, bytes, partition, expiresAtMs: answer.expiresAtMs, onKept });
  }

  remove(key: string): void {
    this.#wait(key, undefined);
  }

  #wait(key: string, what: Waiting | undefined): void {
    this.#forget(key);
    this.#waiting.set(key, what);
    this.#waitingBytes += what?.bytes ?? 0;
    for (const oldest of this.#waiting.keys()) {
      if (this.#waiting.size <= MOST_WAITING && this.#waitingBytes <= MOST_WAITING_BYTES) break;
      /* One that was to go expires by itself. */
      if (this.#waiting.get(oldest) !== undefined) this.#dropped.add([]);
      this.#forget(oldest);
    }
    this.#timer ??= setTimeout(() => void this.flush(), WRITE_AFTER_MS).unref();
  }

  #forget(key: string): void {
    this.#waitingBytes -= this.#waiting.get(key)?.bytes ?? 0;
    this.#waiting.delete(key);
  }

  /** Has nothing written any more of what waits in partitions that go. */
  forget(goes: (partition: Partition) => boolean): void {
    for (const [key, what] of this.#waiting) if (what !== undefined && goes(what.partition)) this.#forget(key);
  }

  /** Writes what waits. A store that is away is tried again with what comes next. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  /** The oldest that wait, so many as are written at once. */
  #take(): readonly (readonly [key: string, what: Waiting | undefined])[] {
    const batch: (readonly [string, Waiting | undefined])[] = [];
    const mostBytes = Math.min(MOST_BYTES_AT_ONCE, this.#options.shelves.mostBytes);
    let bytes = 0;
    for (const [key, what] of this.#waiting) {
      bytes += what?.bytes ?? 0;
      if (batch.length === MOST_AT_ONCE || (batch.length > 0 && bytes > mostBytes)) break;
      batch.push([key, what]);
      this.#forget(key);
    }
    return batch;
  }

  async #write(): Promise<void> {
    const { store, shelves, clock, log } = this.#options;
    while (this.#waiting.size > 0) {
      const batch = this.#take();
      const nowMs = clock.now();
      const live = batch.flatMap(([key, what]) =>
        what !== undefined && what.expiresAtMs > nowMs ? [{ key, ...what }] : [],
      );
      const entries = live.map(({ key, json, expiresAtMs }): Entry<KeptRecord> => ({
        key,
        json,
        ttlMs: expiresAtMs - nowMs,
      }));
      try {
        if (entries.length > 0)
          await store.putMany(await shelves.toPut(live.reduce((sum, { bytes }) => sum + bytes, 0)), entries);
        for (const { onKept } of live) onKept?.();
        for (const [key, what] of batch)
          if (what === undefined) for (const name of shelves.names) await store.delete(name, key);
      } catch (error) {
        this.#dropped.add([], batch.length);
        return log.warn({ error }, "answers of the cache could not be kept in the state");
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /**
   * Deletes every record whose partition `goes`, those that were never loaded among them, and what cannot be read; tells of each. Rejects
   * where the store fails: then some are still there.
   */
  async drop(
    goes: (partition: Partition) => boolean,
    onDropped: (entry: Pick<StoredEntry, "key" | "question">) => Promise<void>,
  ): Promise<void> {
    await this.flush();
    for (const name of this.#options.shelves.names)
      for await (const records of this.#pages(name))
        await Promise.all(
          records.map(async ({ key, value }) => {
            const partition = partitionIn(value);
            if (partition !== undefined && !goes(partition)) return;
            const question = fromRecord(key, value, this.#options.space)?.entry.question;
            if (await this.#options.store.delete(name, key)) await onDropped({ key, question });
          }),
        );
  }

  /** What was kept before, page by page, until `take` wants no more. A record that cannot be read is passed over. */
  async load(take: (loaded: LoadedEntry) => boolean): Promise<void> {
    for (const name of this.#options.shelves.names)
      for await (const records of this.#pages(name))
        for (const { key, value } of records) {
          const loaded = fromRecord(key, value, this.#options.space);
          if (loaded !== undefined && !this.#waiting.has(key) && !take(loaded)) return;
        }
  }

  async *#pages(name: string): AsyncIterable<readonly StoredRecord<KeptRecord>[]> {
    let after: string | undefined;
    do {
      const page = await this.#options.store.list<KeptRecord>(name, {
        limit: PAGE,
        ...(after !== undefined && { after }),
      });
      yield page.records;
      after = page.next;
    } while (after !== undefined);
  }
}
