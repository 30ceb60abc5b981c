import type { Question } from "../question/question.ts";
import type { SameGuard } from "./guard.ts";

/*
 * The least cosines of a sentence model, by how the words differ. One word in place of another in the same frame is what a model sees
 * least: `for adults` and `for infants` are as near as `repair` and `fix`. Tuned with all-MiniLM-L6-v2 on the pairs for tuning.
 */
const ADDED = 0.95;
const REPLACED = 0.97;
const REPLACED_BY_SEVERAL = 0.93;
const REWORDED = 0.93;

/* How many of the words that say what a question is about the other lacks. */
function lacking(from: Question, to: Question): number {
  const there = new Set(to.topics.map(({ stem }) => stem));
  return new Set(from.topics.flatMap(({ stem }) => (there.has(stem) ? [] : stem))).size;
}

function leastFor(asked: Question, stored: Question): number {
  const [fewer = 0, more = 0] = [lacking(asked, stored), lacking(stored, asked)].toSorted((one, other) => one - other);
  if (more === 0) return 0;
  if (fewer === 0) return ADDED;
  if (fewer > 1) return REWORDED;
  return more === 1 ? REPLACED : REPLACED_BY_SEVERAL;
}

/** They are near, and not near enough for words as different as theirs. For models of sentences. */
export const wording: SameGuard = {
  name: "wording",
  differs: (asked, stored, score) =>
    score < leastFor(asked, stored) ? "not near enough for words that differ so" : undefined,
};
