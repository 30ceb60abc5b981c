import { defineChooser } from "../chooser.ts";
import { rendezvousWeight } from "../rendezvous.ts";

/** Sums of scores that differ by less are equal: the order in which they were added must not decide. */
const equalWithin = 1e-9;

export const maxScorePicker = defineChooser({
  type: "max-score-picker",
  description:
    "Takes the endpoint of the highest score; among equals the one that rendezvous hashing gives the request.",
  options: {},
  create: () => ({
    choose({ endpoints, candidates, count }, totals, keyHash) {
      let top = -Infinity;
      for (let at = 0; at < count; at++) if (totals[at]! > top) top = totals[at]!;
      let best = 0;
      let bestWeight = -1;
      for (let at = 0; at < count; at++) {
        if (totals[at]! < top - equalWithin) continue;
        const weight = rendezvousWeight(keyHash, endpoints.hashes[candidates[at]!]!);
        if (weight <= bestWeight) continue;
        best = at;
        bestWeight = weight;
      }
      return best;
    },
  }),
});
