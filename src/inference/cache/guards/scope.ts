import type { Question } from "../question/question.ts";
import { type SameGuard, contradiction, differenceOf } from "./guard.ts";

const QUANTITIES: Readonly<Record<string, string>> = {
  all: "all",
  every: "all",
  each: "all",
  entire: "all",
  whole: "all",
  some: "some",
  few: "few",
  little: "few",
  several: "some",
  only: "only",
  also: "also",
  too: "also",
  both: "both",
  either: "either",
  another: "other",
  other: "other",
  else: "other",
  again: "again",
  still: "still",
  already: "already",
  yet: "yet",
  even: "even",
  more: "more",
  most: "most",
  less: "less",
  least: "least",
  fewer: "less",
  fewest: "least",
  enough: "enough",
  own: "own",
};
/* It is the next word that they set apart: `only cats eat` and `cats only eat`. */
const SETS_APART = new Set(["only", "even", "all"]);
/* Where a thing is, in words that do not stand for one another; `in`, `on` and `at` often do. */
const PLACES = new Set(
  "under above below behind beside between beneath beyond inside outside through across against near within among around".split(
    " ",
  ),
);
const DUTIES: Readonly<Record<string, string>> = {
  must: "must",
  should: "should",
  shall: "should",
  ought: "should",
  can: "can",
  may: "can",
  could: "can",
  might: "might",
};

/* Of what the other speaks of, too: `all running machines` and `every active machine`. */
const quantitiesOf = ({ words, topics }: Question, other: Question) => [
  ...new Set(
    words.flatMap(({ plain }, at) => {
      const quantity = QUANTITIES[plain];
      if (quantity === undefined || !SETS_APART.has(quantity)) return quantity ?? [];
      return `${quantity} ${topics.find(({ word, stem }) => word > at && other.topics.some((topic) => topic.stem === stem))?.stem ?? ""}`;
    }),
  ),
];
/* `the difference between A and B` is no place, and `A or B` asks for the same. */
const COMPARES = new Set(
  "difference differences distinction distinguish differ choice choose compare comparison".split(" "),
);
const placesOf = ({ words }: Question) =>
  words.flatMap(({ plain }, at) =>
    PLACES.has(plain) && !(plain === "between" && COMPARES.has(words[at - 1]?.plain ?? "")) ? plain : [],
  );
/* In `how should I` and `how can I` they say little; in `should I` they are the question. */
const dutyOf = ({ words, asking }: Question) => {
  const [first] = words;
  return asking === "whether" || asking === "may" || asking === "how" ? DUTIES[first?.plain ?? ""] : undefined;
};

/** Another scope: all for some, only, under for above, must for may. */
export const scope: SameGuard = {
  name: "scope",
  differs(asked, stored) {
    const [left, right] = [dutyOf(asked), dutyOf(stored)];
    if (left !== undefined && right !== undefined && left !== right)
      return contradiction("one asks what may be, one what must");
    const quantities = differenceOf(
      quantitiesOf(asked, stored),
      quantitiesOf(stored, asked),
      "they ask of more or of less",
    );
    const places = differenceOf(placesOf(asked), placesOf(stored), "they ask of other places");
    return quantities?.isUnsaid === true ? (places ?? quantities) : (quantities ?? places);
  },
};
