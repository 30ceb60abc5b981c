import { hashText } from "../block-chain.ts";
import { rendezvous } from "../rendezvous.ts";
import { defineScorer } from "../scorer.ts";

/* The endpoint of a session is computed, not remembered: every replica finds the same one, and nothing has to be bounded or to expire. */
export const sessionAffinityScorer = defineScorer({
  type: "session-affinity-scorer",
  description: "Prefers the one endpoint that belongs to the request's session.",
  options: {},
  create: () => ({
    score(scene, scores) {
      const { session } = scene.request;
      scores.fill(0, 0, scene.count);
      if (session !== undefined) scores[rendezvous(scene, hashText(session))] = 1;
    },
  }),
});
