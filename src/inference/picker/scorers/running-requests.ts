import { defineScorer, scoreLeast } from "../scorer.ts";

export const runningRequestsScorer = defineScorer({
  type: "running-requests-size-scorer",
  description: "Prefers endpoints with fewer requests under way, those of other gateways included.",
  options: {},
  create: () => ({
    score: (scene, scores) => scoreLeast(scene, scores, ({ endpoints, nowMs }, slot) => endpoints.load(slot, nowMs)),
  }),
});
