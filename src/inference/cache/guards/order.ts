import type { Question } from "../question/question.ts";
import { type SameGuard, contradiction } from "./guard.ts";

const ARTICLES = new Set("a an the my your our his her its their this that these those some any".split(" "));
const LISTS = new Set("and or vs versus nor".split(" "));

/* Topics that follow one another, and the words between such groups. */
interface Frame {
  readonly groups: readonly (readonly string[])[];
  /** One more than groups: before the first, between them, after the last. */
  readonly between: readonly string[];
}

function frameOf({ words, topics }: Question): Frame {
  const stems = new Map(topics.map(({ word, stem }) => [word, stem]));
  const groups: string[][] = [];
  const between: string[][] = [[]];
  let isIn = false;
  for (const [at, { plain }] of words.entries()) {
    const stem = stems.get(at);
    if (stem === undefined) {
      if (ARTICLES.has(plain)) continue;
      between.at(-1)?.push(plain);
      isIn = false;
      continue;
    }
    if (!isIn) {
      groups.push([]);
      between.push([]);
    }
    groups.at(-1)?.push(stem);
    isIn = true;
  }
  return { groups, between: between.map((each) => each.join(" ")) };
}

/* `the capital of France` as `France's capital`, and of `A and B` the one that comes first in the alphabet. */
function inOrder({ groups, between }: Frame): string {
  const ordered: string[][] = [];
  for (const [at, group] of groups.entries()) {
    const joint = between[at] ?? "";
    const former = ordered.at(-1);
    if (former === undefined) ordered.push([...group]);
    else if (joint === "of") ordered.splice(-1, 1, [...group, ...former]);
    else if (LISTS.has(joint)) {
      const both = [former.join(" "), group.join(" ")].toSorted();
      ordered.splice(-1, 1, both);
    } else ordered.push([...group]);
  }
  return ordered.flat().join(" ");
}

const sorted = ({ groups }: Frame): string => groups.flat().toSorted().join(" ");
/* `how is it washed` has its subject where `how do I wash it` has its object. */
const PASSIVE = /\b(?:be|is|are|was|were|been|being|gets?|got) (?:\w+ )?\w+(?:ed|en)\b/i;

/* How it begins, whatever the number and person: `what is`, `how do`. */
const openingOf = ({ between: [first = ""] }: Frame): string =>
  first.replace(/\b(?:are|was|were)\b/g, "is").replace(/ ?\b(?:i|we|you|they|one)\b/g, "");

/**
 * The same words in another order, where the order says who does what to whom: in the same frame, or in sentences that begin alike. In
 * `how do I reset my password` and `the password reset process` it does not.
 */
export const order: SameGuard = {
  name: "order",
  differs(asked, stored) {
    const [left, right] = [frameOf(asked), frameOf(stored)];
    if (sorted(left) !== sorted(right) || inOrder(left) === inOrder(right)) return undefined;
    if (left.between.join("_") === right.between.join("_"))
      return contradiction("they say the same words in each other's places");
    if (PASSIVE.test(asked.text) !== PASSIVE.test(stored.text)) return undefined;
    const opening = openingOf(left);
    return opening !== "" && opening === openingOf(right)
      ? contradiction("they say the same words in another order")
      : undefined;
  },
};
