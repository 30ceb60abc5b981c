import { z } from "zod";
import { variants } from "../core/extension.ts";
import { providers } from "./providers/registry.ts";

const names = providers.map(({ type }) => `\`${type}\``).join(", ");

/* Forms of the dialect that a later build takes are refused by name: "unknown key" would send the reader looking for a typo. */
const fallback = z.never({ error: "`fallback` is not in this build; name one provider for the model" }).optional();

function refuse(model: unknown): string {
  const has = (key: string) => typeof model === "object" && model !== null && Object.hasOwn(model, key);
  if (has("pool")) return "`pool` is not in this build; write `provider` and `url` of one server";
  if (has("choose")) return "`choose` is not in this build; write one entry in `models` for each model";
  return `\`provider\` is one of ${names}`;
}

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
  fallback,
};

const model = variants(providers, common, { key: "provider", unknown: refuse });

const modelName = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[!-~]+$/, "a model name is printable ASCII without spaces");

export const inferenceConfig = {
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
};

export type ModelConfig = z.output<typeof model>;

/** The slice of the configuration that the model relay reads. */
export interface InferenceConfig {
  readonly models?: Readonly<Record<string, ModelConfig>> | undefined;
}
