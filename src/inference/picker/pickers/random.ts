import { defineChooser } from "../chooser.ts";
import { rendezvous } from "../rendezvous.ts";

export const randomPicker = defineChooser({
  type: "random-picker",
  description: "Takes any of the endpoints that the filters left, whatever their scores.",
  options: {},
  // Random to requests, and yet the same each time it is computed.
  create: () => ({ choose: (scene, _totals, keyHash) => rendezvous(scene, keyHash) }),
});
