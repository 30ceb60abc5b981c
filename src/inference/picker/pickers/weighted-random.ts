import { defineChooser } from "../chooser.ts";
import { rendezvousWeight } from "../rendezvous.ts";

/* A-Res (Efraimidis and Spirakis 2006): the largest u^(1/weight) wins, u even in (0, 1). u is the rendezvous weight of the request, so a
   pick is random to requests and yet the same each time it is computed. */
export const weightedRandomPicker = defineChooser({
  type: "weighted-random-picker",
  description: "Takes an endpoint at random, in proportion to the scores; evenly when all are 0.",
  options: {},
  create: () => ({
    choose({ endpoints, candidates, count }, totals, keyHash) {
      let sum = 0;
      for (let at = 0; at < count; at++) sum += totals[at]!;
      let best = 0;
      let bestKey = -Infinity;
      for (let at = 0; at < count; at++) {
        const even = (rendezvousWeight(keyHash, endpoints.hashes[candidates[at]!]!) + 0.5) / 2 ** 32;
        const total = totals[at]!;
        if (sum > 0 && total === 0) continue;
        // The logarithm keeps the order and does not underflow.
        const key = sum > 0 ? Math.log(even) / total : even;
        if (key <= bestKey) continue;
        best = at;
        bestKey = key;
      }
      return best;
    },
  }),
});
