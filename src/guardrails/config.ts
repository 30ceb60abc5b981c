import { z } from "zod";
import { guardSchema } from "./registry.ts";

export const guardrailsConfig = {
  guardrails: z
    .array(guardSchema)
    .default([])
    .meta({
      description: "Guards over content, in the order they look at it; the first that rejects decides.",
      examples: [[{ type: "max-length", max: 20_000 }]],
    }),
};

export type GuardrailsConfig = z.output<(typeof guardrailsConfig)["guardrails"]>;
