import type { Log } from "../../core/log.ts";
import type { OperationContext } from "../../core/step.ts";
import type { StoredEntry, StoredQuestion } from "./answer-cache.ts";
import type { Embedder } from "./embedders/embedder.ts";
import type { SameGuard } from "./guards/guard.ts";
import { mayAnswer } from "./may-answer.ts";
import type { VectorStore } from "./vectors/vector-store.ts";

/** What came of looking for a question that asks for the same. */
export interface Similar {
  /** The question's vector, to keep it by; undefined for one that says nothing, or where nothing could make it. */
  readonly vector: Float32Array | undefined;
  readonly found?: { readonly entry: StoredEntry; readonly score: number };
  /** The nearest that was refused, and why, in words fit for the journal. */
  readonly refused?: { readonly score: number; readonly because: string };
}

export interface SemanticOptions {
  readonly embedder: Embedder;
  readonly guards: readonly SameGuard[];
  readonly vectors: VectorStore;
  readonly threshold: number;
  readonly log: Log;
}

/* Of the nearest so many are compared word by word. */
const MOST_COMPARED = 8;

/** Finds answers to the same question in other words. What fails here fails no call: it is then not found, or not kept. */
export class Semantic {
  readonly #options: SemanticOptions;

  constructor(options: SemanticOptions) {
    this.#options = options;
  }

  /** Undefined for a question that says nothing, or where nothing could make its vector. */
  async toVector({ text }: StoredQuestion, context: OperationContext): Promise<Float32Array | undefined> {
    try {
      const vector = await this.#options.embedder.embed(text, context);
      return vector.some((part) => part !== 0) ? vector : undefined;
    } catch (error) {
      this.#options.log.warn({ error }, "the cache could not embed a question");
      return undefined;
    }
  }

  /** `entryOf`: the entry of this key, where it may be given to the call at hand. */
  async find(
    question: StoredQuestion,
    context: OperationContext,
    entryOf: (key: string) => StoredEntry | undefined,
  ): Promise<Similar> {
    const vector = await this.toVector(question, context);
    if (vector === undefined) return { vector };
    try {
      return { vector, ...(await this.#compare(question, vector, entryOf)) };
    } catch (error) {
      this.#options.log.warn({ error }, "the cache could not look for similar questions");
      return { vector };
    }
  }

  async #compare(
    { text, fingerprint }: StoredQuestion,
    vector: Float32Array,
    entryOf: (key: string) => StoredEntry | undefined,
  ): Promise<Omit<Similar, "vector">> {
    const { guards, vectors, threshold } = this.#options;
    let refused: Similar["refused"];
    for (const { id, score } of await vectors.search(fingerprint, vector, { least: threshold, most: MOST_COMPARED })) {
      const entry = entryOf(id);
      if (entry?.question?.fingerprint !== fingerprint) continue;
      const { same, because } = mayAnswer(text, entry.question.text, guards);
      if (same) return { found: { entry, score } };
      refused ??= { score, because };
    }
    return refused === undefined ? {} : { refused };
  }

  keep({ key, question, answer }: StoredEntry, vector: Float32Array): void {
    if (question === undefined) return;
    this.#options.vectors
      .put(question.fingerprint, { id: key, vector, expiresAtMs: answer.expiresAtMs })
      .catch((error: unknown) => this.#options.log.warn({ error }, "the cache could not keep a question's vector"));
  }

  remove({ key, question }: StoredEntry): void {
    if (question === undefined) return;
    this.#options.vectors
      .remove(question.fingerprint, key)
      .catch((error: unknown) => this.#options.log.warn({ error }, "the cache could not remove a question's vector"));
  }

  close(): Promise<void> {
    return this.#options.vectors.close();
  }
}
