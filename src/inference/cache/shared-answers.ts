import type { Counter } from "../../core/meter.ts";
import { type Flush, isFlushed, type Partition, type StoredEntry, type StoredQuestion } from "./answer-cache.ts";
import { type CallKeys, toKey } from "./cache-key.ts";
import { appendFlush, type FlushLog, type FlushMark, flushesSince, isFlushedSince, readFlushLog } from "./flush-log.ts";
import { KeptAnswers, type KeptAnswersOptions } from "./kept-answers.ts";
import { fromRecord, type LoadedEntry } from "./kept-record.ts";

/** For which call an answer is wanted. */
export interface SharedCall {
  readonly partition: Partition;
  readonly keys: CallKeys;
  readonly question: StoredQuestion | undefined;
}

/** What the store said of a key. `gone`: there is no answer that could be given to anybody. */
export type SharedRead = LoadedEntry | "gone" | undefined;

export interface SharedAnswersOptions extends KeptAnswersOptions {
  /** Takes answers away from this process. */
  readonly flushHere: (which: Flush) => void;
}

const CHANNEL = "cache-flushed";
const SUBSCRIBE_AGAIN_MS = 1_000;
/* A store that has failed is left alone for so long: calls would wait for it in vain, and one call several times. */
const REST_MS = 1_000;

/** Answers that replicas share: written behind, and read when this process has none. What fails here fails no call. */
export class SharedAnswers {
  readonly #options: SharedAnswersOptions;
  readonly #kept: KeptAnswers;
  readonly #reads: Counter;
  /* The flushes that this process has carried out; undefined before it has asked. */
  #mark: FlushMark | undefined;
  /** How many this process has heard of. */
  #heard = 0;
  #listening: Promise<void> | undefined;
  /** What was kept before messages arrived may have been flushed. */
  #isBehind = false;
  #unsubscribe: (() => Promise<void>) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  /* Said once, not for every call. */
  #isDown = false;
  #restsUntilMs = 0;

  constructor(options: SharedAnswersOptions) {
    this.#options = options;
    this.#kept = new KeptAnswers(options);
    this.#reads = options.meter.counter(
      "cache_shared_reads_total",
      "Answers looked for in the state that replicas share, by what came of it",
      ["result"],
    );
  }

  /** The answer under this key, where it belongs to this call and no replica has flushed it. */
  async read(key: string, call: SharedCall): Promise<SharedRead> {
    const { store, shelves, clock, space } = this.#options;
    if (clock.monotonic() < this.#restsUntilMs) return this.#came("resting");
    await (this.#listening ??= this.#listen());
    const heard = this.#heard;
    let log: FlushLog;
    let values: readonly unknown[];
    try {
      const records = shelves.names.map(async (name) => (await store.get(name, key))?.value);
      [log, ...values] = await Promise.all([readFlushLog(store), ...records]);
      this.#isDown = false;
    } catch (error) {
      this.#restsUntilMs = clock.monotonic() + REST_MS;
      if (!this.#isDown) this.#options.log.warn({ error }, "answers that replicas share cannot be read");
      this.#isDown = true;
      return this.#came("failed");
    }
    /* It may have been read before a flush that was heard of since. */
    const isLate = heard !== this.#heard;
    this.#learn(log);
    if (isLate) return this.#came("flushed");
    const found = values.filter((value) => value !== undefined);
    const ours = found
      .flatMap((value) => fromRecord(key, value, space) ?? [])
      .flatMap((loaded) => ofCall(loaded, call) ?? []);
    if (ours.length === 0 && found.length > 0) return this.#came("refused");
    const [youngest] = ours
      .filter(({ mark, entry }) => mark !== null && !isFlushedSince(log, mark, entry.partition))
      .toSorted((one, other) => other.entry.answer.storedAtMs - one.entry.answer.storedAtMs);
    this.#came(youngest === undefined ? "absent" : "found");
    return youngest ?? "gone";
  }

  #came(result: "found" | "absent" | "flushed" | "refused" | "failed" | "resting"): undefined {
    this.#reads.add([result]);
  }

  /** `onKept` is called when others can read it. */
  keep(entry: StoredEntry, vector: Float32Array | undefined, onKept?: () => void): void {
    if (this.#listening === undefined) {
      this.#isBehind = true;
      this.#listening = this.#listen();
    }
    /* Of one that does not know what has been flushed, nobody could tell later whether it was made before or after. */
    if (this.#mark !== undefined) this.#kept.keep(entry, vector, this.#mark, onKept);
  }

  /**
   * Takes answers away from every replica: none reads one of them from the store any more, each is told of those it has, and what lies
   * there is deleted. Rejects with GatewayError("state_unavailable"): then some may be left.
   */
  async flush(which: Flush, onDropped: (entry: Pick<StoredEntry, "key" | "question">) => Promise<void>): Promise<void> {
    const { store } = this.#options;
    this.#learn(await appendFlush(store, which));
    await store.publish(CHANNEL, JSON.stringify(which));
    await this.#kept.drop((partition) => isFlushed(which, partition), onDropped);
  }

  async #listen(): Promise<void> {
    const { store } = this.#options;
    /* What came in a time without messages is not known one by one. */
    const forgetAll = () => this.#flushHere({});
    try {
      const unsubscribe = await store.subscribe(CHANNEL, (message) => this.#hear(message), forgetAll);
      if (this.#isClosed) return await unsubscribe();
      this.#unsubscribe = unsubscribe;
      if (this.#isBehind) forgetAll();
    } catch {
      this.#isBehind = true;
      if (!this.#isClosed) this.#timer = setTimeout(() => void this.#listen(), SUBSCRIBE_AGAIN_MS).unref();
    }
  }

  #hear(message: string): void {
    let which: Flush = {};
    try {
      which = JSON.parse(message) as Flush;
    } finally {
      this.#flushHere(which);
    }
  }

  /* Nothing is kept under a mark that was learnt after it was asked for: what is learnt counts as a flush. */
  #learn(log: FlushLog): void {
    const mark = this.#mark;
    if (mark?.life === log.life && mark.seq === log.seq) return;
    this.#mark = { life: log.life, seq: log.seq };
    for (const which of mark === undefined ? [{}] : flushesSince(log, mark)) this.#flushHere(which);
  }

  #flushHere(which: Flush): void {
    this.#heard += 1;
    this.#kept.forget((partition) => isFlushed(which, partition));
    this.#options.flushHere(which);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#kept.flush();
    await this.#unsubscribe?.();
  }
}

/**
 * The entry where it is this call's own, or of a call that differs from it in nothing but the question. Without its question where this
 * embedder cannot compare it.
 */
function ofCall(
  { entry, vector, mark }: LoadedEntry,
  { partition, keys, question }: SharedCall,
): LoadedEntry | undefined {
  if (!isSame(entry.partition, partition)) return undefined;
  const isComparable = entry.question !== undefined && entry.question.fingerprint === question?.fingerprint;
  const key = isComparable ? toKey(keys.fingerprint, entry.question?.text) : keys.key;
  if (key !== entry.key) return undefined;
  return isComparable ? { entry, vector, mark } : { entry: { ...entry, question: undefined }, vector: undefined, mark };
}

const parts = ["tenant", "principal", "permissions", "model", "modelIdentity", "policyHash"] as const;
const isSame = (one: Partition, other: Partition): boolean => parts.every((name) => one[name] === other[name]);
