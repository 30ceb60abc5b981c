import { defineChooser } from "../chooser.ts";

export const roundRobinPicker = defineChooser({
  type: "round-robin-picker",
  description: "Takes the endpoints that the filters left in turn, whatever their scores.",
  options: {},
  create() {
    let last: number | undefined;
    return {
      choose({ candidates, count }, _totals, keyHash) {
        // Replicas must not all begin with the same.
        last ??= candidates[(keyHash >>> 0) % count]!;
        // Filters keep the order of slots.
        let next = 0;
        while (next < count && candidates[next]! <= last) next++;
        if (next === count) next = 0;
        last = candidates[next]!;
        return next;
      },
    };
  },
});
