import { z } from "zod";
import { durationMs } from "../../core/units.ts";
import { profileSchema, profiles, defaultProfile, type Profile, type ProfileName } from "../picker/profiles.ts";
import { engines, type EngineName } from "./engines.ts";
import { apiKey, baseUrl } from "../providers/openai-compatible.ts";

/** The most endpoints one pool has. */
export const maxEndpoints = 128;

const profileNames = Object.keys(profiles) as [ProfileName, ...ProfileName[]];

const metrics = z.strictObject({
  path: z
    .string()
    .regex(/^\/[^\s?#]*$/, "a path such as /metrics")
    .optional()
    .meta({
      description: "On the endpoint's host. Default `/metrics`; of TensorRT-LLM `/prometheus/metrics`.",
      examples: ["/metrics"],
    }),
  port: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .meta({ description: "Where it is not the endpoint's own, as of Triton.", examples: [8002] }),
  every: durationMs()
    .refine((ms) => ms >= 50 && ms <= 10_000, "from 50ms to 10s")
    .prefault("250ms")
    .meta({
      description: "How often each is scraped, give or take a fifth. What is older than 2 s says nothing any more.",
      examples: ["250ms"],
    }),
});

export const poolSchema = z
  .strictObject({
    engine: z.enum(Object.keys(engines) as [EngineName, ...EngineName[]]).meta({
      description: "What its servers run: names the metrics that are read, and is `llm.provider` in policies.",
      examples: ["vllm"],
    }),
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
    metrics: z
      .union([metrics, z.literal("off")])
      .prefault({})
      .meta({
        description:
          "Where each server's metrics are. `off`: nothing is known but the gateway's own calls; not right where others call the servers too.",
        examples: [{ every: "250ms" }],
      }),
  })
  .meta({ description: "Servers that are interchangeable: the gateway picks one for each request." });

export type PoolConfig = z.output<typeof poolSchema>;

/** The profile that a pool picks by. */
export function profileOf({ pick }: PoolConfig): Profile {
  return typeof pick === "string" ? profiles[pick] : pick;
}
