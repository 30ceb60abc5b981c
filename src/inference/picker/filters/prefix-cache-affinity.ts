import { z } from "zod";
import { tokensOf } from "../block-chain.ts";
import { defineFilter, keepWhere } from "../filter.ts";
import { peakPrefillTokensPerS, stickiness, ttftPenaltyMs } from "../stickiness.ts";

export const prefixCacheAffinityFilter = defineFilter({
  type: "prefix-cache-affinity-filter",
  description: "Keeps the endpoints that hold most of the prompt, unless waiting there costs too much.",
  options: {
    affinityThreshold: z
      .number()
      .gt(0)
      .max(1)
      .default(0.8)
      .meta({
        description: "Share of the prompt's whole blocks that an endpoint must hold, by their tokens.",
        examples: [0.8],
      }),
    maxTtftPenaltyMs: ttftPenaltyMs,
    peakPrefillThroughput: peakPrefillTokensPerS,
  },
  create({ affinityThreshold, maxTtftPenaltyMs, peakPrefillThroughput }) {
    const sticky = stickiness(maxTtftPenaltyMs, peakPrefillThroughput);
    return {
      filter(scene) {
        const needed = tokensOf(scene.request.chain.length) * affinityThreshold;
        if (needed === 0) return;
        const holds = (_: unknown, slot: number) => scene.matched[slot]! >= needed;
        if (sticky(scene, holds)) keepWhere(scene, holds);
      },
    };
  },
});
