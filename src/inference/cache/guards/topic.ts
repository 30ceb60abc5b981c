import type { Question, Topic } from "../question/question.ts";
import { type SameGuard, contradiction } from "./guard.ts";

function lacking(from: Question, to: Question): readonly Topic[] {
  const there = new Set(to.topics.map(({ stem }) => stem));
  return from.topics.filter(({ stem }) => !there.has(stem));
}

type Placed = Pick<Topic, "word">;

const LINKS = new Set("a an the of".split(" "));

/* What is left of a question without those words, and without what links them: `a file system`, `a system`. */
function without({ words }: Question, topics: readonly Placed[]): string {
  const gone = new Set(topics.map(({ word }) => word));
  return words.flatMap(({ plain }, at) => (gone.has(at) || LINKS.has(plain) ? [] : plain)).join(" ");
}

/* `properly`, and `where is it located`, where nothing stands in its place. */
const addsNothing = ({ words }: Question, { word }: Placed, isReplaced: boolean): boolean =>
  words[word]?.plain.endsWith("ly") === true || (!isReplaced && word === words.length - 1);

/** Whether those words are all that tells two questions apart, and tell: `a good book` and `a new book`, or `a book`. */
export function tellApart(
  asked: Question,
  stored: Question,
  left: readonly Placed[],
  right: readonly Placed[],
): boolean {
  const isReplaced = left.length > 0 && right.length > 0;
  const says =
    left.some((topic) => !addsNothing(asked, topic, isReplaced)) ||
    right.some((topic) => !addsNothing(stored, topic, isReplaced));
  return says && without(asked, left) === without(stored, right);
}

/**
 * One has a word that the other lacks: it asks for something else, or for something narrower. In a long question one word of many hardly
 * moves a vector that is made of words, and words may be made up whose hashes fall together.
 */
export const topic: SameGuard = {
  name: "topic",
  differs(asked, stored) {
    const [left, right] = [lacking(asked, stored), lacking(stored, asked)];
    if ([...left, ...right].some(({ weight }) => weight === 1))
      return contradiction("one has a word that the other lacks");
    return tellApart(asked, stored, left, right) ? contradiction("they differ in a word that says little") : undefined;
  },
};
