import { hashText } from "../block-chain.ts";
import { rendezvousWeight } from "../rendezvous.ts";
import { defineScorer } from "../scorer.ts";

/* The endpoint of a session is computed, not remembered: every replica finds the same one, and nothing has to be bounded or to expire. */
export const sessionAffinityScorer = defineScorer({
  type: "session-affinity-scorer",
  description: "Prefers the one endpoint that belongs to the request's session.",
  options: {},
  create: () => ({
    score({ request: { session }, endpoints, candidates, count }, scores) {
      scores.fill(0, 0, count);
      if (session === undefined) return;
      const key = hashText(session);
      let best = 0;
      let bestWeight = -1;
      for (let at = 0; at < count; at++) {
        const weight = rendezvousWeight(key, endpoints.hashes[candidates[at]!]!);
        if (weight <= bestWeight) continue;
        best = at;
        bestWeight = weight;
      }
      scores[best] = 1;
    },
  }),
});
