import { askedIn } from "../question/asking.ts";
import type { Question } from "../question/question.ts";
import { type SameGuard, unsaid } from "./guard.ts";

const PAST = new Set("was were did had wasnt werent didnt hadnt".split(" "));
const FUTURE = new Set(["will", "shall", "wont"]);
const SUPPOSED = new Set(["would", "wouldnt"]);

/* Of the sentence that asks: what is told before it happened when it did. */
const asking = ({ text, words }: Question) => {
  const asked = askedIn(text);
  const from = text.indexOf(asked);
  return asked === text ? words : words.filter(({ at }) => at >= from && at < from + asked.length);
};
const says = (question: Question, list: ReadonlySet<string>) => asking(question).some(({ plain }) => list.has(plain));
const hasVerb = (question: Question) =>
  asking(question).some(({ plain }) => /^(?:is|are|am|do|does|has|have)$/.test(plain));

/* One in the past and one in the present, each by a helping verb: a heading without one goes with both. */
const isPastOf = (one: Question, other: Question) => says(one, PAST) && !says(other, PAST) && hasVerb(other);

const HELPING =
  /^(?:am|is|are|was|were|be|been|being|do|does|did|have|has|had|can|could|will|would|shall|should|may|might|must|gets?|got|to|by)$/;

/* `who cancelled it` and `who cancels it`: where nothing helps, a verb's own ending says the time. */
function endsOtherwise(one: Question, other: Question): boolean {
  if ([one, other].some(({ words }) => words.some(({ plain }) => HELPING.test(plain)))) return false;
  const isPast = ({ words, topics }: Question, stem: string) =>
    topics.some((topic) => topic.stem === stem && words[topic.word]?.plain.endsWith("ed") === true);
  return one.topics.some(
    ({ stem }) => other.topics.some((topic) => topic.stem === stem) && isPast(one, stem) !== isPast(other, stem),
  );
}

/** Another tense: was for is, would for does. */
export const tense: SameGuard = {
  name: "tense",
  differs(asked, stored) {
    if (isPastOf(asked, stored) || isPastOf(stored, asked)) return unsaid("one asks of what is, one of what was");
    const isFact = [asked, stored].every(({ asking: kind }) => kind === "who" || kind === "whether");
    if (isFact && says(asked, FUTURE) !== says(stored, FUTURE))
      return unsaid("one asks of what is, one of what will be");
    if (asked.asking === "who" && stored.asking === "who" && endsOtherwise(asked, stored))
      return unsaid("one asks of what is, one of what was");
    const isSupposed = says(asked, SUPPOSED) !== says(stored, SUPPOSED);
    const isPolite = asked.asking !== "whether" && stored.asking !== "whether";
    return isSupposed && !isPolite ? unsaid("one asks of what would be") : undefined;
  },
};
