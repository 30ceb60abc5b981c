import { defineFilter, keepWhere } from "../filter.ts";
import { peakPrefillTokensPerS, stickiness, ttftPenaltyMs } from "../stickiness.ts";

export const loraAffinityFilter = defineFilter({
  type: "lora-affinity-filter",
  description:
    "Keeps the endpoints that have the LoRA adapter asked for, or else those with a free slot for it, unless waiting there costs too much.",
  options: {
    maxTtftPenaltyMs: ttftPenaltyMs,
    peakPrefillThroughput: peakPrefillTokensPerS,
  },
  create({ maxTtftPenaltyMs, peakPrefillThroughput }) {
    const sticky = stickiness(maxTtftPenaltyMs, peakPrefillThroughput);
    return {
      filter(scene) {
        const { adapter } = scene.request;
        if (adapter === undefined) return;
        const loaded = (_: unknown, slot: number) => scene.endpoints.adapterState(slot, adapter) === 3;
        if (!sticky(scene, loaded)) return;
        if (keepWhere(scene, loaded)) return;
        keepWhere(scene, (_, slot) => scene.endpoints.adapterState(slot, adapter) >= 2);
      },
    };
  },
});
