import { leftoversOf } from "../question/leftover.ts";
import type { Question } from "../question/question.ts";
import { costOf } from "./coverage.ts";
import type { SameGuard } from "./guard.ts";

/*
 * A model of sentences is led by the frame: `for adults` and `for infants` in the same sentence are as near as `repair` and `fix`. So where words
 * are left over its score counts less the more of the words they share in the same order. Fitted to the pairs with all-MiniLM-L6-v2.
 */
const LED = 0.55;
const LEAST = 0.62;
/* And less than this is not near, however little they share. */
const LEAST_NEAR = 0.8;
const LEAST_NEAR_WITHOUT_NAME = 0.88;

/* What is left over may cost so much and say nothing. */
const LIGHT = 0.5;

const MOST_WORDS = 256;

/* The longest run of words that both have in this order, as a share of all. */
function sharedInOrder(asked: Question, stored: Question): number {
  const left = asked.words.slice(0, MOST_WORDS);
  const right = stored.words.slice(0, MOST_WORDS);
  let row = new Uint16Array(right.length + 1);
  for (const { plain } of left) {
    const next = new Uint16Array(right.length + 1);
    for (const [at, word] of right.entries())
      next[at + 1] = plain === word.plain ? (row[at] ?? 0) + 1 : Math.max(next[at] ?? 0, row[at + 1] ?? 0);
    row = next;
  }
  return (2 * (row[right.length] ?? 0)) / (left.length + right.length);
}

/** They are near, and no nearer than the words they share make them. For models of sentences. */
export const wording: SameGuard = {
  name: "wording",
  differs(asked, stored, score) {
    const left = leftoversOf(asked, stored);
    if (left.hasContrast) return "one has the opposite of a word of the other, or another of its kind";
    if (costOf(asked, stored, left) <= LIGHT) return undefined;
    const lacksName = [...left.asked, ...left.stored].some(({ isName }) => isName);
    const isNear =
      score >= (lacksName ? LEAST_NEAR_WITHOUT_NAME : LEAST_NEAR) &&
      score - LED * sharedInOrder(asked, stored) >= LEAST;
    return isNear ? undefined : "not near enough for words that differ so";
  },
};
