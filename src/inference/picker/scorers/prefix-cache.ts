import { z } from "zod";
import { tokensOf } from "../block-chain.ts";
import { defineScorer } from "../scorer.ts";

export const prefixCacheScorer = defineScorer({
  type: "prefix-cache-scorer",
  description: "Prefers endpoints that were sent the start of the same prompt.",
  options: {
    matchLengthWeight: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .meta({
        description: "How much the absolute length of the match counts beside its share of the prompt.",
        examples: [0.3],
      }),
    matchLengthScaleTokens: z
      .int()
      .positive()
      .default(8_192)
      .meta({ description: "Matches of so many tokens and more count fully.", examples: [8_192] }),
  },
  create: ({ matchLengthWeight, matchLengthScaleTokens }) => ({
    score({ request, matched, candidates, count }, scores) {
      const total = tokensOf(request.chain.length);
      for (let at = 0; at < count; at++) {
        const tokens = matched[candidates[at]!]!;
        const length = Math.min(1, tokens / matchLengthScaleTokens) ** 2;
        const share = total === 0 ? 0 : tokens / total;
        scores[at] = matchLengthWeight * length + (1 - matchLengthWeight) * share;
      }
    },
  }),
});
