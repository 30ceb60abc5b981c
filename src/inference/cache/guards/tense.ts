import type { Question } from "../question/question.ts";
import type { SameGuard } from "./guard.ts";

const PAST = new Set("was were did had wasnt werent didnt hadnt".split(" "));
const SUPPOSED = new Set(["would", "wouldnt"]);

const says = ({ words }: Question, list: ReadonlySet<string>) => words.some(({ plain }) => list.has(plain));
const hasVerb = ({ words }: Question) => words.some(({ plain }) => /^(?:is|are|am|do|does|has|have)$/.test(plain));

/* One in the past and one in the present, each by a helping verb: a heading without one goes with both. */
const isPastOf = (one: Question, other: Question) => says(one, PAST) && !says(other, PAST) && hasVerb(other);

/** Another tense: was for is, would for does. */
export const tense: SameGuard = {
  name: "tense",
  differs(asked, stored) {
    if (isPastOf(asked, stored) || isPastOf(stored, asked)) return "one asks of what is, one of what was";
    const isSupposed = says(asked, SUPPOSED) !== says(stored, SUPPOSED);
    const isPolite = asked.asking !== "whether" && stored.asking !== "whether";
    return isSupposed && !isPolite ? "one asks of what would be" : undefined;
  },
};
