import { defineChooser } from "../chooser.ts";

export const roundRobinPicker = defineChooser({
  type: "round-robin-picker",
  description: "Takes the endpoints that the filters left in turn, whatever their scores.",
  options: {},
  create() {
    let last = -1;
    return {
      choose({ candidates, count }) {
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
