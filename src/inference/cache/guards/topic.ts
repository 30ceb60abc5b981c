import type { Question, Topic } from "../question/question.ts";
import type { SameGuard } from "./guard.ts";

function lacking(from: Question, to: Question): readonly Topic[] {
  const there = new Set(to.topics.map(({ stem }) => stem));
  return from.topics.filter(({ stem }) => !there.has(stem));
}

const LINKS = new Set("a an the of".split(" "));

/* What is left of a question without those words, and without what links them: `a file system`, `a system`. */
function without({ words }: Question, topics: readonly Topic[]): string {
  const gone = new Set(topics.map(({ word }) => word));
  return words.flatMap(({ plain }, at) => (gone.has(at) || LINKS.has(plain) ? [] : plain)).join(" ");
}

/* `properly`, and `where is it located`, where nothing stands in its place. */
const addsNothing = ({ words }: Question, { word }: Topic, isReplaced: boolean): boolean =>
  words[word]?.plain.endsWith("ly") === true || (!isReplaced && word === words.length - 1);

/**
 * One has a word that the other lacks: it asks for something else, or for something narrower. In a long question one word of many hardly
 * moves a vector that is made of words, and words may be made up whose hashes fall together.
 */
export const topic: SameGuard = {
  name: "topic",
  differs(asked, stored) {
    const [left, right] = [lacking(asked, stored), lacking(stored, asked)];
    if ([...left, ...right].some(({ weight }) => weight === 1)) return "one has a word that the other lacks";
    const isReplaced = left.length > 0 && right.length > 0;
    const says =
      left.some((topic) => !addsNothing(asked, topic, isReplaced)) ||
      right.some((topic) => !addsNothing(stored, topic, isReplaced));
    /* `a good book` and `a new book`, or `a book`: a word that adds little is all that tells them apart. */
    return says && without(asked, left) === without(stored, right)
      ? "they differ in a word that says little"
      : undefined;
  },
};
