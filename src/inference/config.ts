import { configName } from "../core/config-name.ts";
import { z } from "zod";
import { statedPrice } from "../budgets/prices/prices.ts";
import type { ConfigProblem } from "../core/config-problem.ts";
import { variants } from "../core/extension.ts";
import { nearest } from "../core/nearest.ts";
import { keyedUnion } from "../core/keyed-union.ts";
import { durationMs } from "../core/units.ts";
import { cacheConfig } from "./cache/config.ts";
import { poolSchema, type PoolConfig } from "./pool/pool-config.ts";
import { providers } from "./providers/registry.ts";
import { routingConfig, type RoutingConfig } from "./routing/meaning/meaning-config.ts";
import { findWrongChoices, isVirtual, virtualModel, type VirtualConfig } from "./routing/virtual-config.ts";

const names = providers.map(({ type }) => `\`${type}\``).join(", ");

const providerHelp = `\`provider\` is one of ${names}`;

const limit = (example: string, what: string) =>
  durationMs()
    .refine((ms) => ms > 0, "more than nothing")
    .optional()
    .meta({ description: `${what}. Then the next of \`fallback\` is asked, or the call fails.`, examples: [example] });

const common = {
  model: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .meta({
      description: "The provider's name for the model, where it differs from the name callers use.",
      examples: ["gpt-4o-2024-11-20"],
    }),
  price: statedPrice.optional().meta({
    description:
      "What a call costs, where the bundled price list does not know the model or you pay another price. A model of your own: zeros.",
    examples: [{ input: "$2.50", output: "$10" }],
  }),
  maxTokens: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .meta({
      description:
        "The bound of an answer whose caller gives none, 8,192 when left out: of a whole one under a budget that counts output, and of any translated for Anthropic, which takes no request without. Set it where the model takes less, as one with a short context does, or may write more.",
      examples: [4_096],
    }),
  fallback: z
    .array(z.string().min(1))
    .min(1)
    .max(8)
    .optional()
    .meta({
      description:
        "Models that step in, in this order, when this one cannot answer and nothing has reached the caller yet. Then those that step in for them, each once.",
      examples: [["claude", "llama"]],
    }),
  firstTokenTimeout: limit("10s", "Longest wait for the first token of a stream"),
  answerTimeout: limit("2m", "Longest wait for an answer that is not streamed, to its end"),
};

const ofPool = z
  .strictObject({
    pool: z
      .string()
      .min(1)
      .meta({ description: "Whose servers serve it: an entry of `pools`.", examples: ["local"] }),
    adapter: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .meta({
        description: "A LoRA adapter of `model`, by the name its servers know; sent to them as the model's name.",
        examples: ["support-v3"],
      }),
    ...common,
  })
  .meta({ description: "A model that a pool of your own servers serves." });

/* The kinds of entries, told apart by the key that each has and no other. */
const model = keyedUnion(
  {
    provider: variants(providers, common, { key: "provider", unknown: () => providerHelp }),
    pool: ofPool,
    choose: virtualModel,
  },
  () =>
    `a model has a \`provider\`, a \`pool\`, or a \`choose\` among the others; ${providerHelp}, \`pool\` one of \`pools\``,
);

const modelName = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[!-~]+$/, "a model name is printable ASCII without spaces");

export { checkCache } from "./cache/config.ts";
export { findUnused } from "./unused.ts";

export const inferenceConfig = {
  ...routingConfig,
  ...cacheConfig,
  models: z
    .record(modelName, model)
    .optional()
    .meta({
      description: "The models callers may ask for, by the name they use, and who serves each.",
      examples: [
        {
          "gpt-4o": { provider: "openai", key: "${env:OPENAI_API_KEY}" },
          llama: { provider: "vllm", url: "http://vllm-0:8000" },
        },
      ],
    }),
  pools: z
    .record(configName, poolSchema)
    .optional()
    .meta({
      description: "Pools of model servers, by the name that `models` use.",
      examples: [{ local: { engine: "vllm", endpoints: ["http://vllm-0:8000", "http://vllm-1:8000"] } }],
    }),
};

export type ModelConfig = z.output<typeof model>;
export type PoolModelConfig = z.output<typeof ofPool>;
export type ProviderModelConfig = Exclude<ModelConfig, PoolModelConfig | VirtualConfig>;
/** A model that somebody serves. */
export type ServedModelConfig = Exclude<ModelConfig, VirtualConfig>;

type Models = Readonly<Record<string, ModelConfig>>;

/** The slice of the configuration that the model relay reads. */
export interface InferenceConfig {
  readonly models?: Models | undefined;
  readonly pools?: Readonly<Record<string, PoolConfig>> | undefined;
  readonly routing?: RoutingConfig | undefined;
}

/** Who may step in for a model, in order: its own fallbacks, then theirs, nobody twice. */
export function standIns(name: string, models: Models = {}): readonly string[] {
  /* A set is walked while it grows: those of the first are at its end when the walk gets there. */
  const names = new Set([name]);
  for (const each of names) for (const other of fallbackOf(models[each])) names.add(other);
  names.delete(name);
  return [...names];
}

const fallbackOf = (entry: ModelConfig | undefined): readonly string[] =>
  (entry !== undefined && !isVirtual(entry) && entry.fallback) || [];

/** Models of a pool that there is not. */
export function checkPools({ models = {}, pools = {} }: InferenceConfig): ConfigProblem[] {
  return Object.entries(models).flatMap(([name, entry]): ConfigProblem[] => {
    if (!("pool" in entry) || Object.hasOwn(pools, entry.pool)) return [];
    return [
      { path: ["models", name, "pool"], message: `no such entry in \`pools\`${meant(entry.pool, Object.keys(pools))}` },
    ];
  });
}

/** Virtual models whose rules are wrong, or choose what cannot be chosen. */
export const checkChoices = (config: InferenceConfig): ConfigProblem[] => findWrongChoices(config);

function meant(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined ? "" : `; did you mean ${near}?`;
}

/** Fallbacks that are no models, the model itself, or named twice. Models may step in for each other. */
export function checkFallbacks({ models = {} }: InferenceConfig): ConfigProblem[] {
  return Object.entries(models).flatMap(([name, entry]) => {
    const fallback = fallbackOf(entry);
    return fallback.flatMap((other, index): ConfigProblem[] => {
      const message = wrongWith(models, name, other, fallback.indexOf(other) < index);
      return message === undefined ? [] : [{ path: ["models", name, "fallback", index], message }];
    });
  });
}

function wrongWith(models: Models, name: string, other: string, again: boolean): string | undefined {
  if (other === name) return "a model cannot step in for itself: leave it out";
  if (again) return "named twice: leave one out";
  const found = Object.hasOwn(models, other) ? models[other] : undefined;
  if (found !== undefined && isVirtual(found)) return "a choice cannot step in: name the models it chooses from";
  if (found === undefined) {
    const others = Object.keys(models).filter((known) => known !== name);
    return `no such entry in \`models\`${meant(other, others)}`;
  }
  return undefined;
}
