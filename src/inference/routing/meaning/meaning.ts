import type { Asked } from "../../../cel/vet.ts";
import type { Clock } from "../../../core/clock.ts";
import { GatewayError } from "../../../core/errors.ts";
import type { Log } from "../../../core/log.ts";
import type { Meaning } from "../../../core/operation.ts";
import type { Operate } from "../../../core/step.ts";
import type { Upstream } from "../../../http/upstream.ts";
import { createEmbedder } from "../../embedders/registry.ts";
import type { Classify, MeaningCall, Scores } from "./classifier.ts";
import { rememberClasses } from "./known-classes.ts";
import type { RoutingConfig } from "./meaning-config.ts";
import { createModelClassifier } from "./model-classifier.ts";
import { createSimilarity, type Similarity } from "./similarity.ts";
import { createUrlClassifier } from "./url-classifier.ts";

export interface MeaningSourceOptions {
  readonly config: RoutingConfig | undefined;
  readonly operate: Operate;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly log: Log;
  /** What the name of each model stands for. */
  readonly identities: ReadonlyMap<string, string>;
}

/** Embedders and classifiers, for all calls of virtual models. */
export interface MeaningSource {
  readonly similarity: Similarity;
  readonly classifiers: ReadonlyMap<string, Classify>;
}

export function createMeaningSource({
  config,
  operate,
  upstream,
  clock,
  log,
  identities,
}: MeaningSourceOptions): MeaningSource {
  const { examples = {}, embedder = "lexical", classifiers = {} } = config ?? {};
  const identity = embedder === "lexical" ? "" : (identities.get(embedder.model) ?? "");
  return {
    similarity: createSimilarity({
      examples,
      embedder: createEmbedder(embedder, { log, purpose: "an embedding for routing" }),
      identity,
    }),
    classifiers: new Map(
      Object.entries(classifiers).map(([name, entry]) => [
        name,
        rememberClasses(
          "model" in entry
            ? createModelClassifier(name, entry)
            : createUrlClassifier(name, entry, { operate, upstream }),
          clock,
        ),
      ]),
    ),
  };
}

/* What embedders and classifiers read of a long text: the end, where people ask. */
const MOST_CHARS = 8_192;

/** What is found out about one call, thing by thing, each once. */
export class FoundMeaning implements Meaning {
  readonly #source: MeaningSource;
  readonly #text: string;
  readonly #call: MeaningCall;
  readonly #near = new Map<string, number>();
  readonly #classes = new Map<string, Scores>();
  readonly #tried = new Set<string>();

  constructor(source: MeaningSource, text: string, call: MeaningCall) {
    this.#source = source;
    // Strict parsers refuse half of a character, such as the cut may leave.
    this.#text = text.slice(-MOST_CHARS).toWellFormed();
    this.#call = call;
  }

  /** Finds out what an expression asks for, all at once. Never rejects: gives what could not be found out, in words for the journal. */
  async find(asks: readonly Asked[]): Promise<readonly string[]> {
    const fresh = asks.filter(({ kind, name }) => !this.#tried.has(`${kind} ${name}`));
    for (const { kind, name } of fresh) this.#tried.add(`${kind} ${name}`);
    const labels = [...new Set(fresh.flatMap(({ kind, name }) => (kind === "similarity" ? [name] : [])))];
    const names = [...new Set(fresh.flatMap(({ kind, name }) => (kind === "class" ? [name] : [])))];
    const found = await Promise.all([
      ...(labels.length > 0 ? [this.#attempt("the embedder", () => this.#compare(labels))] : []),
      ...names.map((name) => this.#attempt(`the classifier ${name}`, () => this.#classify(name))),
    ]);
    return found.filter((failure) => failure !== undefined);
  }

  similarity(label: string): number | undefined {
    return this.#near.get(label);
  }

  classOf(classifier: string): string | undefined {
    let best: [string, number] | undefined;
    for (const each of this.#classes.get(classifier) ?? []) if (best === undefined || each[1] > best[1]) best = each;
    return best?.[0];
  }

  /* A label that a classifier does not name it is not sure of. */
  scoreOf(classifier: string, label: string): number | undefined {
    const scores = this.#classes.get(classifier);
    return scores && (scores.get(label) ?? 0);
  }

  async #compare(labels: readonly string[]): Promise<void> {
    for (const [label, near] of await this.#source.similarity.compare(this.#text, labels, this.#call))
      this.#near.set(label, near);
  }

  async #classify(name: string): Promise<void> {
    const classify = this.#source.classifiers.get(name) as Classify;
    this.#classes.set(name, await classify(this.#text, this.#call));
  }

  async #attempt(who: string, work: () => Promise<void>): Promise<string | undefined> {
    try {
      await work();
      return undefined;
    } catch (error) {
      return `${who} could not be asked (${GatewayError.from(error).kind})`;
    }
  }
}
