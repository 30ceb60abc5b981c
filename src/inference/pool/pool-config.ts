import { z } from "zod";
import { profileSchema, profiles, defaultProfile, type Profile, type ProfileName } from "../picker/profiles.ts";
import { apiKey, baseUrl } from "../providers/openai-compatible.ts";

/** The most endpoints one pool has. */
export const maxEndpoints = 128;

const profileNames = Object.keys(profiles) as [ProfileName, ...ProfileName[]];

export const poolSchema = z
  .strictObject({
    engine: z
      .enum(["vllm", "sglang", "tensorrt-llm"])
      .meta({ description: "What its servers run; `llm.provider` in policies.", examples: ["vllm"] }),
    endpoints: z
      .array(baseUrl())
      .min(1)
      .max(maxEndpoints)
      .refine((urls) => new Set(urls).size === urls.length, "an endpoint is listed twice: leave one out")
      .meta({
        description: "Base address of each server. All of them serve the same models, in the OpenAI dialect.",
        examples: [["http://vllm-0:8000", "http://vllm-1:8000"]],
      }),
    key: apiKey().optional(),
    pick: z
      .union([z.enum(profileNames), profileSchema])
      .default(defaultProfile)
      .meta({
        description:
          "How an endpoint is picked for a request: a profile by name, or filters, weighted scorers and a picker of your own.",
        examples: ["sticky-until-saturated"],
      }),
  })
  .meta({ description: "Servers that are interchangeable: the gateway picks one for each request." });

export type PoolConfig = z.output<typeof poolSchema>;

/** The profile that a pool picks by. */
export function profileOf({ pick }: PoolConfig): Profile {
  return typeof pick === "string" ? profiles[pick] : pick;
}
