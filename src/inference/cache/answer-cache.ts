import type { Usage } from "../../core/operation.ts";
import type { DialectName } from "../model-call.ts";

/** An answer as its provider gave it: before guards of answers, and with masks in place of what they stand for. */
export interface StoredAnswer {
  /** The provider's wire format. */
  readonly dialect: DialectName;
  readonly contentType: string;
  /** A whole answer, or all the events of a stream. */
  readonly bytes: Buffer;
  /** What else the caller was told of it, such as what a translation left out. */
  readonly headers: Readonly<Record<string, string>>;
  /** The model that gave it. */
  readonly candidate: string;
  readonly usage: Usage | undefined;
  /** What it cost, in nano-dollars, where that is known: what a hit saves. */
  readonly costNanos: number | undefined;
  readonly storedAtMs: number;
  readonly expiresAtMs: number;
}

/** Whose answers a flush takes away; absent conditions are met by all. */
export interface Flush {
  readonly tenant?: string;
  readonly model?: string;
  /** The beginning of the hash is enough. */
  readonly policyHash?: string;
}

/** Whether answers of this partition go. */
export function isFlushed({ tenant, model, policyHash }: Flush, partition: Partition): boolean {
  return (
    (tenant === undefined || partition.tenant === tenant) &&
    (model === undefined || partition.model === model) &&
    (policyHash === undefined || partition.policyHash.startsWith(policyHash))
  );
}

/** Where an answer belongs: nothing ever passes from one to another. */
export interface Partition {
  readonly tenant: string;
  /** Undefined: all of the tenant's principals share. */
  readonly principal: string | undefined;
  /** What the credential allows, in one spelling. */
  readonly permissions: string;
  /** As callers name it. */
  readonly model: string;
  /** What the name stands for: changes with its configuration. */
  readonly modelIdentity: string;
  readonly policyHash: string;
}

/** The question of a call, for callers who ask it in other words. */
export interface StoredQuestion {
  readonly text: string;
  /** All else that a call must agree in. */
  readonly fingerprint: string;
}

export interface StoredEntry {
  readonly key: string;
  readonly partition: Partition;
  readonly answer: StoredAnswer;
  /** Absent: only equal calls are answered with it. */
  readonly question: StoredQuestion | undefined;
}

export interface AnswerCacheOptions {
  /** Of answers, keys and questions together. */
  readonly limitBytes: number;
  /** An answer larger than this is not kept. */
  readonly answerLimitBytes: number;
  /** Told of every entry that goes and is not replaced. */
  readonly onRemoved: (entry: StoredEntry) => void;
}

interface Kept {
  readonly entry: StoredEntry;
  readonly sizeBytes: number;
}

/* What an entry takes beside its bytes and its texts. */
const ENTRY_BYTES = 512;
/* How often those that have expired are looked for: nobody may ask for them again. */
const SWEEP_EVERY_MS = 60_000;

/** Answers by the key of their call, in this process; the one not asked for the longest goes first. */
export class AnswerCache {
  readonly #kept = new Map<string, Kept>();
  readonly #options: AnswerCacheOptions;
  /** How often answers were taken away at somebody's wish. */
  flushes = 0;
  #sizeBytes = 0;
  #sweptAtMs = 0;

  constructor(options: AnswerCacheOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#kept.size;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Every entry, the one not asked for the longest first. */
  *entries(): Iterable<StoredEntry & { readonly sizeBytes: number }> {
    for (const { entry, sizeBytes } of this.#kept.values()) yield { ...entry, sizeBytes };
  }

  /** The entry, unless it has expired or is older than the caller wants. */
  get(key: string, nowMs: number, maxAgeMs = Number.POSITIVE_INFINITY): StoredEntry | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    const { answer } = kept.entry;
    if (answer.expiresAtMs <= nowMs) {
      this.#remove(kept);
      return undefined;
    }
    if (nowMs - answer.storedAtMs > maxAgeMs) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept.entry;
  }

  /** Whether it was kept. `vectorBytes`: what the vector of its question takes beside it. */
  set(entry: StoredEntry, nowMs: number, vectorBytes = 0): boolean {
    const { limitBytes, answerLimitBytes } = this.#options;
    const { key, answer, question } = entry;
    const textBytes =
      question === undefined ? 0 : 2 * (question.text.length + question.fingerprint.length) + vectorBytes;
    const sizeBytes = answer.bytes.length + 2 * key.length + textBytes + ENTRY_BYTES;
    if (answer.bytes.length > answerLimitBytes || sizeBytes > limitBytes) return false;
    if (nowMs - this.#sweptAtMs >= SWEEP_EVERY_MS) this.#sweep(nowMs);
    const former = this.#kept.get(key);
    /* Its vector is the same and is put again: a removal told now might arrive after it. */
    if (former !== undefined) this.#remove(former, question === undefined);
    this.#kept.set(key, { entry, sizeBytes });
    this.#sizeBytes += sizeBytes;
    for (const oldest of this.#kept.values()) {
      if (this.#sizeBytes <= limitBytes) break;
      this.#remove(oldest);
    }
    return true;
  }

  /** The keys of those that went. */
  flush(which: Flush): readonly string[] {
    this.flushes += 1;
    const gone: string[] = [];
    for (const kept of this.#kept.values()) {
      if (!isFlushed(which, kept.entry.partition)) continue;
      this.#remove(kept);
      gone.push(kept.entry.key);
    }
    return gone;
  }

  #sweep(nowMs: number): void {
    this.#sweptAtMs = nowMs;
    for (const kept of this.#kept.values()) if (kept.entry.answer.expiresAtMs <= nowMs) this.#remove(kept);
  }

  /** Forgets everything and tells nobody. */
  clear(): void {
    this.#kept.clear();
    this.#sizeBytes = 0;
  }

  #remove({ entry, sizeBytes }: Kept, isTold = true): void {
    this.#kept.delete(entry.key);
    this.#sizeBytes -= sizeBytes;
    if (isTold) this.#options.onRemoved(entry);
  }
}
