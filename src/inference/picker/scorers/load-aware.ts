import { z } from "zod";
import { defineScorer } from "../scorer.ts";

export const loadAwareScorer = defineScorer({
  type: "load-aware-scorer",
  description: "Half a point for an empty queue, less the longer it is, none from `threshold` on.",
  options: {
    threshold: z
      .int()
      .positive()
      .default(128)
      .meta({ description: "Waiting requests that score 0.", examples: [128] }),
  },
  create: ({ threshold }) => ({
    score({ endpoints, candidates, count, nowMs }, scores) {
      for (let at = 0; at < count; at++) {
        scores[at] = 0.5 * Math.max(0, 1 - endpoints.queue(candidates[at]!, nowMs) / threshold);
      }
    },
  }),
});
