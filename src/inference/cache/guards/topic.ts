import type { Question } from "../question/question.ts";
import type { SameGuard } from "./guard.ts";

function lacks(from: Question, to: Question): boolean {
  const there = new Set(to.topics.map(({ stem }) => stem));
  return from.topics.some(({ stem, weight }) => weight === 1 && !there.has(stem));
}

/**
 * One has a word that the other lacks: it asks for something else, or for something narrower. In a long question one word of many hardly
 * moves a vector that is made of words, and words may be made up whose hashes fall together.
 */
export const topic: SameGuard = {
  name: "topic",
  differs: (asked, stored) =>
    lacks(asked, stored) || lacks(stored, asked) ? "one has a word that the other lacks" : undefined,
};
