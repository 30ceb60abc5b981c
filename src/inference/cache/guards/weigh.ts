import { type Leftover, leftoversOf } from "../question/leftover.ts";
import type { Question } from "../question/question.ts";
import { type Difference, type Nearness, type SameGuard, contradiction } from "./guard.ts";
import { tellApart } from "./topic.ts";

/** What the score of two questions that leave words over must be beyond. */
export interface Weights {
  /** How much the score counts. */
  readonly score: number;
  /** The share of words that both have in the same order: who asks for another thing keeps the frame, who asks for the same leaves it. */
  readonly shared: number;
  /** The heaviest word left over, by that share: in the same frame it is what tells them apart. */
  readonly heaviest: number;
  /** The heaviest word left over on the side that leaves the lighter ones: as much may stand in the place of something else. */
  readonly replaced: number;
  /** The share that the words left over have in the weight of all. */
  readonly share: number;
  /** A name among them. */
  readonly name: number;
  /** Each thing that only one of the two says. */
  readonly unsaid: number;
  /** The guards whose differences count as contradictions even where only one says it, or in other words. */
  readonly decisive: readonly string[];
  /** What must be left when all of these are taken from the score. */
  readonly least: number;
}

/* What is left over may weigh so much, by its share and its heaviest word, and say nothing. */
const LIGHT = 0.6;
const SHARE = 1.6;
const HEAVIEST = 2;
/* From here on two questions have the same frame: then what only one says is what tells them apart. Below it is as often left out. */
const SAME_FRAME = 0.4;
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

const weightOf = (left: readonly Leftover[]) => left.reduce((sum, { weight }) => sum + weight, 0);

const heaviestOf = (left: readonly Leftover[]) => left.reduce((most, { weight }) => Math.max(most, weight), 0);

/** A guard that weighs the words which nothing in the other question stands for, after all that see a difference of their own. */
export const createWeighing = (name: string, weights: Weights): SameGuard => ({
  name,
  differs(asked: Question, stored: Question, { score, unsaid }: Nearness): Difference | undefined {
    const left = leftoversOf(asked, stored);
    const all = [...left.asked, ...left.stored];
    if (all.length > 0 && tellApart(asked, stored, left.asked, left.stored))
      return contradiction("they differ in one place alone");
    const [heaviestAsked, heaviestStored] = [heaviestOf(left.asked), heaviestOf(left.stored)];
    const share = all.length === 0 ? 0 : weightOf(all) / left.weight;
    const saysMore = left.hasContrast ? [...unsaid, "contrast"] : unsaid;
    if (saysMore.length === 0 && SHARE * share + HEAVIEST * (heaviestAsked + heaviestStored) <= LIGHT) return undefined;
    const shared = sharedInOrder(asked, stored);
    const isDecided = shared >= SAME_FRAME || saysMore.some((name) => weights.decisive.includes(name));
    if (isDecided && saysMore.length > 0) return contradiction(`they differ in ${saysMore.join(" and ")}`);
    const sum =
      weights.score * score -
      shared * (weights.shared + weights.heaviest * Math.max(heaviestAsked, heaviestStored)) -
      weights.replaced * Math.min(heaviestAsked, heaviestStored) -
      weights.share * share -
      (all.some(({ isName }) => isName) ? weights.name : 0) -
      weights.unsaid * saysMore.length;
    return sum >= weights.least ? undefined : contradiction("not near enough for words that differ so");
  },
});
