import { z } from "zod";
import { defineScorer } from "../scorer.ts";

export const activeRequestScorer = defineScorer({
  type: "active-request-scorer",
  description: "Prefers endpoints with fewer of this gateway's own requests under way.",
  options: {
    idleThreshold: z
      .int()
      .min(0)
      .default(0)
      .meta({ description: "Up to so many requests score 1.", examples: [0] }),
    maxBusyScore: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .meta({ description: "The best score above the threshold.", examples: [0.5] }),
  },
  create: ({ idleThreshold, maxBusyScore }) => ({
    score({ endpoints, candidates, count }, scores) {
      let most = 0;
      for (let at = 0; at < count; at++) most = Math.max(most, endpoints.requests[candidates[at]!]!);
      for (let at = 0; at < count; at++) {
        const own = endpoints.requests[candidates[at]!]!;
        scores[at] = own <= idleThreshold ? 1 : ((most - own) / most) * maxBusyScore;
      }
    },
  }),
});
