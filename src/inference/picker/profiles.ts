import { z } from "zod";
import { filterSchema } from "./filters/registry.ts";
import { chooserSchema } from "./pickers/registry.ts";
import { scorerSchema } from "./scorers/registry.ts";

const byScore: ReadonlySet<string> = new Set(["max-score-picker", "weighted-random-picker"]);

const profileShape = z.strictObject({
  filters: z
    .array(filterSchema)
    .default([])
    .meta({ description: "Applied in their order.", examples: [[]] }),
  scorers: z
    .array(scorerSchema)
    .default([])
    .meta({
      description: "Their weighted scores are added. `random-picker` and `round-robin-picker` need none.",
      examples: [[{ type: "queue-scorer" }]],
    }),
  picker: chooserSchema
    .default({ type: "max-score-picker" })
    .meta({ description: "Chooses by the sums.", examples: [{ type: "max-score-picker" }] }),
});

/** A way to pick: filters in their order, the weighted sum of scorers, the choice. */
export const profileSchema = profileShape.refine(
  ({ scorers, picker }) => scorers.length > 0 || !byScore.has(picker.type),
  {
    path: ["scorers"],
    message: "the picker chooses by scores: name at least one scorer, or take random-picker or round-robin-picker",
  },
);

export type Profile = z.output<typeof profileSchema>;

/** The profiles that have a name. */
export const profiles = {
  /** Stay where the prompt is cached until waiting there costs more than it saves (the field's default since August 2026). */
  "sticky-until-saturated": profileSchema.parse({
    filters: [
      { type: "utilization-filter", waitingQueue: 4, kvCacheUtilization: 0.8 },
      { type: "lora-affinity-filter", maxTtftPenaltyMs: 2_000 },
      // What is known of a match may be an eighth short: 0.7 for the field's 0.8.
      { type: "prefix-cache-affinity-filter", affinityThreshold: 0.7, maxTtftPenaltyMs: 500 },
    ],
    scorers: [{ type: "token-load-scorer" }],
  }),
  /** The field's blend before that: prefix 3, queue 2, KV cache 2. */
  classic: profileSchema.parse({
    scorers: [
      { type: "prefix-cache-scorer", weight: 3 },
      { type: "queue-scorer", weight: 2 },
      { type: "kv-cache-utilization-scorer", weight: 2 },
      { type: "lora-affinity-scorer", weight: 1 },
    ],
  }),
  /** In turn, whatever they hold and do: what a plain load balancer does, to compare with. */
  "round-robin": profileSchema.parse({ picker: { type: "round-robin-picker" } }),
} as const satisfies Readonly<Record<string, Profile>>;

export type ProfileName = keyof typeof profiles;
export const defaultProfile: ProfileName = "sticky-until-saturated";
