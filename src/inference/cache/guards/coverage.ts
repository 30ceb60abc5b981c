import { type Leftover, type Leftovers, leftoversOf } from "../question/leftover.ts";
import type { Question } from "../question/question.ts";
import type { SameGuard } from "./guard.ts";
import { tellApart } from "./topic.ts";

/* What is left over costs by its share of all, by its heaviest word, and where one stands in the place of another. Fitted to the pairs. */
const SHARE = 1.6;
const HEAVIEST = 2;
const IN_PLACE = 1;
const MOST = 0.85;

const weightOf = (left: readonly Leftover[]) => left.reduce((sum, { weight }) => sum + weight, 0);

/* Neighbours that the words share: `run a test` and `skip a test`. */
function neighbours(asked: Question, stored: Question, one: Leftover, other: Leftover): number {
  const plain = ({ words }: Question, at: number) => words[at]?.plain ?? "";
  const before = plain(asked, one.word - 1) === plain(stored, other.word - 1);
  const after = plain(asked, one.word + 1) === plain(stored, other.word + 1);
  return (Number(before) + Number(after)) / 2;
}

/** What the words that are left over cost; infinite where they are all that tells two questions apart. */
export function costOf(asked: Question, stored: Question, left: Leftovers): number {
  const all = [...left.asked, ...left.stored];
  if (all.length === 0) return 0;
  if (tellApart(asked, stored, left.asked, left.stored)) return Infinity;
  const heaviest = all.reduce((most, { weight }) => Math.max(most, weight), 0);
  const inPlace = left.asked
    .flatMap((one) => left.stored.map((other) => neighbours(asked, stored, one, other)))
    .reduce((sum, shared) => sum + shared, 0);
  return (SHARE * weightOf(all)) / left.weight + HEAVIEST * heaviest + IN_PLACE * inPlace;
}

/** One has words that nothing in the other stands for, and they say too much. For an embedder that knows words, not what they mean. */
export const coverage: SameGuard = {
  name: "coverage",
  differs(asked, stored) {
    const left = leftoversOf(asked, stored);
    if (left.hasContrast) return "one has the opposite of a word of the other, or another of its kind";
    return costOf(asked, stored, left) > MOST ? "one has words that nothing in the other stands for" : undefined;
  },
};
