import type { Question } from "../question/question.ts";
import { type SameGuard, sameMembers } from "./guard.ts";

const THIRD: Readonly<Record<string, string>> = {
  he: "he",
  him: "he",
  his: "he",
  himself: "he",
  she: "she",
  her: "she",
  hers: "she",
  herself: "she",
};
const HELPING = new Set(
  "do does did am is are was were have has had can could may might must shall should will would".split(" "),
);
const SUBJECTS: Readonly<Record<string, string>> = { i: "we", we: "we", you: "you", they: "they", it: "it" };

const thirdsOf = ({ words }: Question) => [...new Set(words.flatMap(({ plain }) => THIRD[plain] ?? []))];

/* `do I own` and `do you own`; in `how do you` and `can you` the person is often anybody. */
function subjectOf({ words, asking }: Question): string | undefined {
  const [first, second] = words;
  return asking === "whether" && HELPING.has(first?.plain ?? "") ? SUBJECTS[second?.plain ?? ""] : undefined;
}

/** Other people: he for she, you for me. */
export const person: SameGuard = {
  name: "person",
  differs(asked, stored) {
    const left = subjectOf(asked);
    const right = subjectOf(stored);
    const isOther = left !== undefined && right !== undefined && left !== right;
    return isOther || !sameMembers(thirdsOf(asked), thirdsOf(stored)) ? "they ask of different people" : undefined;
  },
};
