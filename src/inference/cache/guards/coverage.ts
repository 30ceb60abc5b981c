import { createWeighing } from "./weigh.ts";

/** For an embedder that knows words, not what they mean: beside the words that are left over its score says nothing. */
export const coverage = createWeighing("coverage", {
  score: 0,
  shared: 0.6,
  heaviest: 0,
  replaced: 0.3,
  share: 1,
  name: 0.075,
  unsaid: 0.06,
  /* Of another kind of question with the same words in it only a model knows that it asks for the same. */
  decisive: ["asking"],
  least: -0.5,
});
