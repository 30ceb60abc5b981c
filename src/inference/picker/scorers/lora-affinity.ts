import { defineScorer } from "../scorer.ts";

// inference.md 2.3, lora-affinity-scorer: loaded 1, free slot 0.8, waiting 0.6, else 0.
const scoreOfState = [0, 0.6, 0.8, 1] as const;

export const loraAffinityScorer = defineScorer({
  type: "lora-affinity-scorer",
  description: "Prefers endpoints that have the LoRA adapter asked for, then those with a free slot for it.",
  options: {},
  create: () => ({
    score({ request: { adapter }, endpoints, candidates, count }, scores) {
      for (let at = 0; at < count; at++) {
        scores[at] = adapter === undefined ? 1 : scoreOfState[endpoints.adapterState(candidates[at]!, adapter)];
      }
    },
  }),
});
