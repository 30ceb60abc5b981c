import { z } from "zod";
import type { ConfigPath, ConfigProblem } from "../../core/config-problem.ts";
import { nearest } from "../../core/nearest.ts";
import { durationMs, sizeBytes } from "../../core/units.ts";
import { embedderConfig, threshold } from "../embedders/registry.ts";
import { vectorsConfig } from "./vectors/registry.ts";

const moreThanNothing = (value: number) => value > 0;

const semantic = z.strictObject({
  embedder: embedderConfig.default("lexical").meta({
    description:
      "What finds questions that ask for the same. `lexical` needs no model: words, their stems and synonyms. Or a model of sentences.",
    examples: ["lexical", { model: "minilm" }],
  }),
  vectors: vectorsConfig.default("memory").meta({
    description: "Where the vectors of questions are kept.",
    examples: ["memory", { chroma: { url: "http://chroma:8000" } }, { milvus: { address: "milvus:19530" } }],
  }),
  threshold: threshold(),
});

export const cacheConfig = {
  cache: z
    .strictObject({
      ttl: durationMs()
        .refine(moreThanNothing, "more than nothing")
        .default(3_600_000)
        .meta({ description: "How long an answer may be given again.", examples: ["1h"] }),
      size: sizeBytes()
        .refine(moreThanNothing, "more than nothing")
        .default(67_108_864)
        .meta({
          description: "Memory for answers and their questions; those not asked for the longest go first.",
          examples: ["64MiB"],
        }),
      entry: sizeBytes()
        .refine(moreThanNothing, "more than nothing")
        .default(1_048_576)
        .meta({ description: "The largest answer that is kept.", examples: ["1MiB"] }),
      share: z
        .enum(["principal", "tenant"])
        .default("principal")
        .meta({
          description:
            "Who may be given an answer: its own principal, or every principal of the tenant with the same client, scopes and groups. A principal without a tenant shares with nobody.",
          examples: ["tenant"],
        }),
      models: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .meta({ description: "The models whose answers are kept; all when left out.", examples: [["gpt-4o"]] }),
      wait: durationMs()
        .default(30_000)
        .meta({
          description:
            "How long a call waits for an equal one that is under way, before it is sent itself. `0s`: equal calls do not wait for each other.",
          examples: ["30s"],
        }),
      semantic: semantic.optional().meta({
        description:
          "Lets an answer serve a question in other words that asks for the same. Left out: only equal calls.",
      }),
    })
    .optional()
    .meta({
      description: "Keeps answers of models and gives them again. Left out: nothing is kept.",
      examples: [{ semantic: { embedder: "lexical" } }, { ttl: "10m", share: "tenant", models: ["gpt-4o"] }],
    }),
};

export type CacheConfig = NonNullable<z.output<typeof cacheConfig.cache>>;

/** Names that are no models. */
export function checkCache({
  cache,
  models = {},
}: {
  readonly cache?: CacheConfig | undefined;
  readonly models?: Readonly<Record<string, unknown>> | undefined;
}): ConfigProblem[] {
  const checkName = (name: string, path: ConfigPath): readonly ConfigProblem[] => {
    if (Object.hasOwn(models, name)) return [];
    const near = nearest(name, Object.keys(models));
    const message = `no such entry in \`models\`${near === undefined ? "" : `; did you mean ${near}?`}`;
    return [{ path, message }];
  };
  const checkEmbedder = (name: string, path: ConfigPath): readonly ConfigProblem[] => {
    const entry = models[name];
    if (typeof entry !== "object" || entry === null || !("choose" in entry)) return checkName(name, path);
    return [{ path, message: "a choice between models has no vectors: name one that serves `/v1/embeddings`" }];
  };
  const { embedder = "lexical" } = cache?.semantic ?? {};
  return [
    ...(cache?.models ?? []).flatMap((name, index) => checkName(name, ["cache", "models", index])),
    ...(embedder === "lexical" ? [] : checkEmbedder(embedder.model, ["cache", "semantic", "embedder", "model"])),
  ];
}
