import { defineScorer } from "../scorer.ts";

export const kvCacheUtilizationScorer = defineScorer({
  type: "kv-cache-utilization-scorer",
  description: "Prefers endpoints with more of their KV cache free.",
  options: {},
  create: () => ({
    score({ endpoints, candidates, count, nowMs }, scores) {
      for (let at = 0; at < count; at++) scores[at] = 1 - endpoints.kvUsage(candidates[at]!, nowMs);
    },
  }),
});
