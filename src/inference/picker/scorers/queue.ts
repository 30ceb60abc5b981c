import { defineScorer, scoreLeast } from "../scorer.ts";

export const queueScorer = defineScorer({
  type: "queue-scorer",
  description: "Prefers endpoints where fewer requests wait.",
  options: {},
  create: () => ({
    score: (scene, scores) => scoreLeast(scene, scores, ({ endpoints, nowMs }, slot) => endpoints.queue(slot, nowMs)),
  }),
});
