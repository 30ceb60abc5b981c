import { z } from "zod";
import type { Log } from "../../core/log.ts";
import { durationMs } from "../../core/units.ts";
import type { Embedder } from "./embedder.ts";
import { lexical } from "./lexical.ts";
import { createModelEmbedder } from "./model.ts";

/** The option of that name. Below its least, questions that have nothing to do with each other are near. */
export const threshold = () =>
  z
    .number()
    .min(0.5)
    .max(1)
    .optional()
    .meta({
      description:
        "The least similarity of two questions, as the cosine of their vectors; the embedder's own when left out.",
      examples: [0.85],
    });

const modelEmbedder = z.strictObject({
  model: z
    .string()
    .min(1)
    .meta({
      description:
        "An entry of `models` whose provider serves `/v1/embeddings`. The gateway asks it by itself, and charges the caller.",
      examples: ["minilm"],
    }),
  threshold: threshold(),
  dimensions: z
    .int()
    .min(2)
    .max(16_384)
    .optional()
    .meta({ description: "How many are asked of the provider; as many as it gives when left out.", examples: [512] }),
  encoding: z
    .enum(["float", "base64"])
    .default("float")
    .meta({ description: "The `encoding_format` that is asked for; answers are read in either." }),
  timeout: durationMs()
    .refine((ms) => ms > 0, "more than nothing")
    .prefault("2s")
    .meta({ description: "Longest wait for an embedding. Then the call goes to its model.", examples: ["500ms"] }),
});

/** The branch `embedder` of the semantic cache. */
export const embedderConfig = z.union([z.literal("lexical"), modelEmbedder], {
  error: "`lexical`, or a model: {model: NAME}",
});

export type EmbedderConfig = z.output<typeof embedderConfig>;

export interface EmbedderDeps {
  /** Where the configuration sets one for any embedder. */
  readonly threshold?: number | undefined;
  readonly log: Log;
  /** What its vectors are for, as the journal says it. */
  readonly purpose: string;
}

/** What the configuration asks for: that its model exists was checked when it was loaded. */
export function createEmbedder(config: EmbedderConfig, deps: EmbedderDeps): Embedder {
  if (config === "lexical") return { ...lexical, threshold: deps.threshold ?? lexical.threshold };
  const { model, threshold: own, timeout, ...rest } = config;
  return createModelEmbedder({
    ...rest,
    model,
    threshold: own ?? deps.threshold,
    limitMs: timeout,
    purpose: deps.purpose,
    log: deps.log,
  });
}
