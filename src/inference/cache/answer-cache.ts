import type { DialectName } from "../model-call.ts";
import type { Usage } from "../../core/operation.ts";

/** An answer as its provider gave it: before guards of answers, and with masks in place of what they stand for. */
export interface StoredAnswer {
  /** The provider's wire format. */
  readonly dialect: DialectName;
  readonly contentType: string;
  /** A whole answer, or all the events of a stream. */
  readonly bytes: Buffer;
  /** The model that gave it. */
  readonly candidate: string;
  readonly usage: Usage | undefined;
  /** What it cost, in nano-dollars, where that is known: what a hit saves. */
  readonly costNanos: number | undefined;
  readonly storedAtMs: number;
}

/** Whose answers a flush takes away; absent conditions are met by all. */
export interface Flush {
  readonly tenant?: string;
  readonly model?: string;
  readonly policyHash?: string;
}

/** Where an answer belongs: nothing ever passes from one to another. */
export interface Partition {
  readonly tenant: string;
  /** Undefined: all of the tenant's principals share. */
  readonly principal: string | undefined;
  /** As callers name it. */
  readonly model: string;
  readonly policyHash: string;
}

interface Entry {
  readonly partition: Partition;
  readonly answer: StoredAnswer;
  readonly expiresAtMs: number;
  readonly sizeBytes: number;
}

export interface AnswerCacheOptions {
  /** Of answers and their keys together. */
  readonly limitBytes: number;
  /** An answer larger than this is not kept. */
  readonly answerLimitBytes: number;
}

/* What an entry takes beside its bytes and its key. */
const ENTRY_BYTES = 512;

/** Answers by the key of their call, in this process; the one not asked for the longest goes first. */
export class AnswerCache {
  readonly #entries = new Map<string, Entry>();
  readonly #options: AnswerCacheOptions;
  #sizeBytes = 0;

  constructor(options: AnswerCacheOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#entries.size;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The answer, unless it has expired or is older than the caller wants. */
  get(key: string, nowMs: number, maxAgeMs = Number.POSITIVE_INFINITY): StoredAnswer | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs <= nowMs) {
      this.#remove(key, entry);
      return undefined;
    }
    if (nowMs - entry.answer.storedAtMs > maxAgeMs) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.answer;
  }

  /** Whether it was kept. */
  set(key: string, partition: Partition, answer: StoredAnswer, expiresAtMs: number): boolean {
    const { limitBytes, answerLimitBytes } = this.#options;
    const sizeBytes = answer.bytes.length + 2 * key.length + ENTRY_BYTES;
    if (answer.bytes.length > answerLimitBytes || sizeBytes > limitBytes) return false;
    const former = this.#entries.get(key);
    if (former !== undefined) this.#remove(key, former);
    this.#entries.set(key, { partition, answer, expiresAtMs, sizeBytes });
    this.#sizeBytes += sizeBytes;
    for (const [oldest, entry] of this.#entries) {
      if (this.#sizeBytes <= limitBytes) break;
      this.#remove(oldest, entry);
    }
    return true;
  }

  /** How many went. */
  flush({ tenant, model, policyHash }: Flush): number {
    let gone = 0;
    for (const [key, entry] of this.#entries) {
      const { partition } = entry;
      if (tenant !== undefined && partition.tenant !== tenant) continue;
      if (model !== undefined && partition.model !== model) continue;
      if (policyHash !== undefined && partition.policyHash !== policyHash) continue;
      this.#remove(key, entry);
      gone += 1;
    }
    return gone;
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#sizeBytes -= entry.sizeBytes;
  }
}
