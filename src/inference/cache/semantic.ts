import type { Log } from "../../core/log.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Counter, Meter } from "../../core/meter.ts";
import type { StoredEntry, StoredQuestion } from "./answer-cache.ts";
import type { EmbedCall, Embedder } from "../embedders/embedder.ts";
import { createJudge } from "./may-answer.ts";
import { loadLexicon } from "./question/lexicon.ts";
import type { VectorStore } from "./vectors/vector-store.ts";

/** What came of looking for a question that asks for the same. */
export interface Similar {
  /** The question's vector, to keep it by; undefined for one that says nothing, or where nothing could make it. */
  readonly vector: Float32Array | undefined;
  readonly found?: { readonly entry: StoredEntry; readonly score: number };
  /** The nearest that was refused, and why, in words fit for the journal. */
  readonly refused?: { readonly score: number; readonly because: string };
  /** What could not be asked, in words fit for the journal. */
  readonly failed?: string;
}

export interface SemanticOptions {
  readonly embedder: Embedder;
  readonly vectors: VectorStore;
  readonly log: Log;
  readonly meter: Meter;
  /** Begins the name of every partition: what one process finds in a store that several use. */
  readonly namespace: string;
}

type Part = "embedder" | "vectors";
type EntryOf = (key: string) => StoredEntry | undefined | Promise<StoredEntry | undefined>;

/* Of the nearest so many are compared word by word. */
const MOST_COMPARED = 8;

/** Finds answers to the same question in other words. What fails here fails no call: it is then not found, or not kept. */
export class Semantic {
  readonly #options: SemanticOptions;
  readonly #failures: Counter;
  /* Said once, not for every call. */
  readonly #isDown: Record<Part, boolean> = { embedder: false, vectors: false };

  constructor(options: SemanticOptions) {
    this.#options = options;
    /* Before the first question needs it. */
    void loadLexicon();
    this.#failures = options.meter.counter(
      "cache_semantic_failures_total",
      "Questions that could not be embedded, looked for or kept, by what failed and how",
      ["part", "kind"],
    );
  }

  /** Names what its vectors mean. */
  get space(): string {
    return this.#options.embedder.space;
  }

  /** Without a vector for a question that says nothing, or where nothing could make it. */
  async toVector({ text }: StoredQuestion, call: EmbedCall): Promise<Pick<Similar, "vector" | "failed">> {
    try {
      const embedded = this.#options.embedder.embed(text, call);
      const vector = embedded instanceof Promise ? await embedded : embedded;
      this.#isDown.embedder = false;
      return { vector: vector.some((part) => part !== 0) ? vector : undefined };
    } catch (error) {
      return { vector: undefined, failed: `embedder ${this.#failed("embedder", error)}` };
    }
  }

  /** `entryOf`: the entry of this key, where it may be given to the call at hand; a promise where it is asked for elsewhere. */
  async find(question: StoredQuestion, call: EmbedCall, entryOf: EntryOf): Promise<Similar> {
    const made = await this.toVector(question, call);
    const { vector } = made;
    if (vector === undefined) return made;
    try {
      return { vector, ...(await this.#compare(question, vector, entryOf)) };
    } catch (error) {
      return { vector, failed: `vectors ${this.#failed("vectors", error)}` };
    }
  }

  async #compare(
    { text, fingerprint }: StoredQuestion,
    vector: Float32Array,
    entryOf: EntryOf,
  ): Promise<Omit<Similar, "vector">> {
    const { embedder, vectors } = this.#options;
    let refused: Similar["refused"];
    const near = await vectors.search(this.#partitionOf(fingerprint), vector, {
      least: embedder.threshold,
      most: MOST_COMPARED,
    });
    this.#isDown.vectors = false;
    if (near.length > 0) await loadLexicon();
    const judge = createJudge(text, embedder.guards);
    for (const { id, score } of near) {
      const found = entryOf(id);
      const entry = found instanceof Promise ? await found : found;
      if (entry?.question?.fingerprint !== fingerprint) continue;
      const { same, because } = judge(entry.question.text, score);
      if (same) return { found: { entry, score } };
      refused ??= { score, because };
    }
    return refused === undefined ? {} : { refused };
  }

  keep({ key, question, answer }: StoredEntry, vector: Float32Array): void {
    if (question === undefined) return;
    this.#options.vectors
      .put(this.#partitionOf(question.fingerprint), { id: key, vector, expiresAtMs: answer.expiresAtMs })
      .catch((error: unknown) => this.#failed("vectors", error));
  }

  /** Never rejects. */
  async remove({ key, question }: Pick<StoredEntry, "key" | "question">): Promise<void> {
    if (question === undefined) return;
    try {
      await this.#options.vectors.remove(this.#partitionOf(question.fingerprint), key);
    } catch (error) {
      this.#failed("vectors", error);
    }
  }

  #partitionOf(fingerprint: string): string {
    return `${this.#options.namespace}${fingerprint}`;
  }

  #failed(part: Part, error: unknown): string {
    const { kind } = GatewayError.from(error);
    this.#failures.add([part, kind]);
    if (!this.#isDown[part]) this.#options.log.warn({ error, part }, "the cache cannot look for similar questions");
    this.#isDown[part] = true;
    return kind;
  }

  close(): Promise<void> {
    return this.#options.vectors.close();
  }
}
