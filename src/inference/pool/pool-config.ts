import { z } from "zod";
import { ExpressionError } from "../../cel/expression-error.ts";
import { durationMs, sizeBytes } from "../../core/units.ts";
import { compilePriority } from "./priority.ts";
import { profileSchema, profiles, defaultProfile, type Profile, type ProfileName } from "../picker/profiles.ts";
import { engines, type EngineName } from "./engines.ts";
import { apiKey, baseUrl, toBaseUrl } from "../providers/openai-compatible.ts";

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
    .refine((ms) => ms >= 100 && ms <= 10_000, "from 100ms to 10s")
    .prefault("250ms")
    .meta({
      description:
        "How often each is scraped on average, from one time to the next give or take a fifth and in whole 100 ms; from 100ms to 10s. What is older than 2 s says nothing any more.",
      examples: ["250ms"],
    }),
});

/* Tried at load. */
const expression = z
  .string()
  .min(1)
  .superRefine((source, context) => {
    try {
      compilePriority(source);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      context.addIssue({ code: "custom", message: error.message });
    }
  });

const queue = z
  .strictObject({
    waiting: z
      .int()
      .min(1)
      .max(100_000)
      .default(1_000)
      .meta({ description: "The most calls that wait.", examples: [1_000] }),
    bytes: sizeBytes()
      .refine((bytes) => bytes > 0, "more than nothing")
      .prefault("64MiB")
      .meta({ description: "The most bytes that their requests may have together.", examples: ["64MiB"] }),
    ttl: durationMs()
      .refine((ms) => ms > 0, "more than nothing")
      .prefault("60s")
      .meta({ description: "The longest wait. Then callers get 429.", examples: ["60s"] }),
  })
  .meta({
    description:
      "Lets calls wait in the gateway while the pool is full: by priority, and within it in turn for each tenant, or each caller who has none. Left out: they wait in the servers.",
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
      .refine((urls) => new Set(urls.map(toBaseUrl)).size === urls.length, "an endpoint is listed twice: leave one out")
      .optional()
      .meta({
        description: "Base address of each server. All of them serve the same models, in the OpenAI dialect.",
        examples: [["http://vllm-0:8000", "http://vllm-1:8000"]],
      }),
    dns: baseUrl()
      .refine((url) => url.startsWith("http:"), "http: addresses have no name that a certificate could be for")
      .optional()
      .meta({
        description: "In place of `endpoints`: every address, v4 and v6, that this host's name has, at its port.",
        examples: ["http://vllm.models.svc:8000"],
      }),
    resolve: durationMs()
      .refine((ms) => ms >= 1_000 && ms <= 3_600_000, "from 1s to 1h")
      .optional()
      .meta({
        description: "How often `dns` is resolved. Default 5s. What was found stays while that fails.",
        examples: ["5s"],
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
    priority: z
      .array(
        z.strictObject({
          when: expression.meta({
            description: "CEL over the caller and the call. One that fails does not match.",
            examples: ['principal.tenant == "batch"'],
          }),
          is: z
            .int()
            .min(-1_000)
            .max(1_000)
            .meta({ description: "Higher goes first; below 0 it is refused while the pool is full.", examples: [-1] }),
        }),
      )
      .max(32)
      .default([])
      .meta({
        description: "What a call is worth beside others: the first that matches counts; 0 where none does.",
        examples: [[{ when: 'principal.tenant == "batch"', is: -1 }]],
      }),
    capacity: z
      .int()
      .min(1)
      .max(100_000)
      .default(100)
      .meta({
        description: "So many of the gateway's calls fill an endpoint that tells no metrics.",
        examples: [100],
      }),
    queue: queue.optional(),
  })
  .superRefine(({ endpoints, dns }, context) => {
    if ((endpoints === undefined) === (dns === undefined))
      context.addIssue({ code: "custom", message: "give either `endpoints` or `dns`" });
  })
  .meta({ description: "Servers that are interchangeable: the gateway picks one for each request." });

export type PoolConfig = z.output<typeof poolSchema>;

/** The profile that a pool picks by. */
export function profileOf({ pick }: PoolConfig): Profile {
  return typeof pick === "string" ? profiles[pick] : pick;
}
