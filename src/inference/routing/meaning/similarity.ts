import { LightAbortSignal } from "../../../core/abort.ts";
import { GatewayError } from "../../../core/errors.ts";
import type { Embedder } from "../../embedders/embedder.ts";
import type { MeaningCall } from "./classifier.ts";

/** How near texts are to labelled examples. */
export interface Similarity {
  /** The nearest example of each of these labels, 0 to 1. Rejects where a text or an example could not be embedded. */
  compare(text: string, labels: readonly string[], call: MeaningCall): Promise<ReadonlyMap<string, number>>;
}

export interface SimilarityOptions {
  readonly examples: Readonly<Record<string, readonly string[]>>;
  readonly embedder: Embedder;
  /** What the name of the embedder's model stands for. */
  readonly identity: string;
}

/* An embedder behind a model is asked for so many at a time. */
const AT_ONCE = 4;
/* For the examples that are not known yet, and the text. */
const LIMIT_MS = 5_000;

/** Examples are embedded when they are first asked for, each by one call, and kept; those that could not be are asked for again by the next call. */
export function createSimilarity({ examples, embedder, identity }: SimilarityOptions): Similarity {
  const vectors = new Map<string, Float32Array>();
  const learning = new Map<string, Promise<void>>();

  async function learn(texts: readonly string[], call: MeaningCall): Promise<void> {
    const missing = texts.filter((text) => !vectors.has(text)).values();
    const work = async () => {
      for (const text of missing) {
        /* Somebody else asks for it: if that fails, for this call it is tried once more. */
        await learning.get(text);
        if (!vectors.has(text)) await learnOne(text, call);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  async function learnOne(text: string, call: MeaningCall): Promise<void> {
    const under = Promise.resolve(embedder.embed(text, { ...call, identity }));
    const over = under.then(
      () => {},
      () => {},
    );
    learning.set(text, over);
    try {
      vectors.set(text, await under);
    } finally {
      if (learning.get(text) === over) learning.delete(text);
    }
  }

  return {
    async compare(text, labels, outer) {
      const asked = await within(outer, async (call) => {
        await learn(
          labels.flatMap((label) => examples[label] ?? []),
          call,
        );
        return embedder.embed(text, { ...call, identity });
      });
      const near = (example: string): number => {
        const vector = vectors.get(example);
        if (vector?.length === asked.length) return cosine(asked, vector);
        vectors.clear();
        throw new GatewayError("upstream_invalid", "The embedder has changed: examples are embedded anew.");
      };
      const nearest = (label: string) => (examples[label] ?? []).reduce((most, each) => Math.max(most, near(each)), 0);
      return new Map(labels.map((label) => [label, nearest(label)]));
    },
  };
}

/* Who has many examples learns the rest with the next calls. */
async function within<T>(call: MeaningCall, work: (call: MeaningCall) => Promise<T>): Promise<T> {
  const limit = new LightAbortSignal();
  const aborted = new Promise<never>((_, reject) =>
    limit.addEventListener("abort", () => reject(GatewayError.from(limit.reason))),
  );
  const late = () => limit.abort(new GatewayError("upstream_timeout", "The embedder took too long."));
  const timer = setTimeout(late, LIMIT_MS);
  const left = () => limit.abort(call.signal.reason);
  call.signal.addEventListener("abort", left, { once: true });
  try {
    call.signal.throwIfAborted();
    return await Promise.race([work({ ...call, signal: limit }), aborted]);
  } finally {
    clearTimeout(timer);
    /* Where one failed, the others are not waited for. */
    limit.abort(new GatewayError("cancelled", "The comparison is over."));
    call.signal.removeEventListener("abort", left);
  }
}

/* Both are of unit length, or say nothing. */
function cosine(one: Float32Array, other: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += one[at]! * other[at]!;
  return Math.min(Math.max(sum, 0), 1);
}
