import { createWeighing } from "./weigh.ts";

/** For models of sentences. Fitted with all-MiniLM-L6-v2. */
export const wording = createWeighing("wording", {
  score: 1,
  shared: 0.45,
  heaviest: 0.28,
  replaced: 0,
  share: 0,
  name: 0.03,
  unsaid: 0.03,
  decisive: [],
  least: 0.57,
});
