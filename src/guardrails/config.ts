import { z } from "zod";
import type { ConfigProblem } from "../core/config-problem.ts";
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

/** Guards that would look at everything and find nothing. */
export function checkGuards({ guardrails }: { readonly guardrails: GuardrailsConfig }): ConfigProblem[] {
  return guardrails.flatMap((entry, index): ConfigProblem[] => {
    if (entry.type !== "pattern" || entry.reject.length + entry.mask.length > 0) return [];
    return [{ path: ["guardrails", index], message: "has no pattern: say in `reject` or `mask` what to look for" }];
  });
}
