import { z } from "zod";
import { statedPrice } from "../../budgets/prices/prices.ts";
import { ExpressionError } from "../../cel/expression-error.ts";
import { headerSecret } from "../../core/header-words.ts";
import { durationMs, sizeBytes } from "../../core/units.ts";
import { compilePriority } from "./priority.ts";
import { profileSchema, profiles, defaultProfile, type Profile, type ProfileName } from "../picker/profiles.ts";
import { engines, type EngineName } from "./engines.ts";
import { apiKey, baseUrl, toBaseUrl } from "../providers/openai-compatible.ts";

/** The most endpoints one pool has. */
export const maxEndpoints = 128;

/* Written for each request, or for its connection. */
const ownHeaders = new Set([
  "accept", "connection", "content-length", "content-type", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer",
  "transfer-encoding", "upgrade",
]); // oxfmt-ignore
const isFree = (name: string) => !ownHeaders.has(name.toLowerCase());

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
      description:
        "What its servers run: names the metrics that are read (of `openai-compatible` none), and is `llm.provider` in policies.",
      examples: ["vllm"],
    }),
    endpoints: z
      .array(baseUrl())
      .max(maxEndpoints)
      .refine((urls) => new Set(urls.map(toBaseUrl)).size === urls.length, "an endpoint is listed twice: leave one out")
      .optional()
      .meta({
        description:
          "Base address of each server. All of them serve the same models, in the OpenAI dialect. With none, calls are answered 503.",
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
    headers: z
      .record(
        z
          .string()
          .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$/, "a header name")
          .refine(isFree, "a header that the gateway does not write itself"),
        headerSecret(),
      )
      .default({})
      .meta({
        description: "Headers that its servers want beside or in place of `key`, on every request.",
        examples: [{ "x-api-key": "${env:MODELS_KEY}" }],
      }),
    price: statedPrice.optional().meta({
      description:
        "What a call costs of a model that has no price of its own in `models`. Without one it is unknown; of servers of your own: zeros.",
      examples: [{ input: "$0", output: "$0" }],
    }),
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
      .optional()
      .meta({
        description:
          "Where each server's metrics are. `off`: nothing is known but the gateway's own calls; not right where others call the servers too. Always so of `openai-compatible`.",
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
  .superRefine(({ endpoints, dns, engine, metrics: told = "off" }, context) => {
    if ((endpoints === undefined) === (dns === undefined))
      context.addIssue({ code: "custom", message: "give either `endpoints` or `dns`" });
    if (engine === "openai-compatible" && told !== "off")
      context.addIssue({
        code: "custom",
        path: ["metrics"],
        message: "of this engine no metrics are known: leave it out",
      });
  })
  .transform((pool) => ({
    ...pool,
    metrics: pool.metrics ?? (pool.engine === "openai-compatible" ? ("off" as const) : metrics.parse({})),
  }))
  .meta({ description: "Servers that are interchangeable: the gateway picks one for each request." });

export type PoolConfig = z.output<typeof poolSchema>;

/** The profile that a pool picks by. */
export function profileOf({ pick }: PoolConfig): Profile {
  return typeof pick === "string" ? profiles[pick] : pick;
}

/** What every request to its servers carries beyond what the call itself needs, by names in lower case. */
export function headersOf({ key, headers }: Pick<PoolConfig, "key" | "headers">): Record<string, string> {
  const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return { ...(key !== undefined && { authorization: `Bearer ${key}` }), ...Object.fromEntries(own) };
}
