import { z } from "zod";
import { defineScorer } from "../scorer.ts";
import { uncachedTokens } from "../scene.ts";

export const tokenLoadScorer = defineScorer({
  type: "token-load-scorer",
  description:
    "Prefers endpoints where the fewest tokens have to be prefilled before this prompt is, its own uncached part included.",
  options: {
    queueThresholdTokens: z
      .int()
      .positive()
      .default(4_194_304)
      .meta({ description: "So many tokens score 0. Default 128 prompts of 32,768 tokens.", examples: [4_194_304] }),
  },
  create: ({ queueThresholdTokens }) => ({
    score(scene, scores) {
      const { endpoints, candidates, count } = scene;
      for (let at = 0; at < count; at++) {
        const slot = candidates[at]!;
        scores[at] =
          1 - Math.min(1, (endpoints.backlogTokens(slot) + uncachedTokens(scene, slot)) / queueThresholdTokens);
      }
    },
  }),
});
