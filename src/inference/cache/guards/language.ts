import type { Question } from "../question/question.ts";
import { entriesOf } from "../question/lexicon.ts";
import { silentWords } from "../question/light-words.ts";
import { type SameGuard, contradiction } from "./guard.ts";
import { topic } from "./topic.ts";

/* Words that hold English sentences together and none of its neighbours': not `is`, `of` and `in`, which are Dutch, nor `me` and `no`. */
const ENGLISH = new Set(
  "the how what why which who whose where when does did doesnt didnt dont should would could with without and you your my mine this that these those from have has had are were been there their they it its to for".split(
    " ",
  ),
);

/* Among the first words, one in so many. */
const SHARE = 8;
/* And of words that a dictionary has: names are in none. */
const SPOKEN = 0.8;

function isEnglish({ words }: Question): boolean {
  const known = words.filter(({ plain }) => ENGLISH.has(plain)).length;
  if (known > 0 && known * SHARE >= words.length) return true;
  const spoken = words.filter(({ plain }) => silentWords.has(plain) || entriesOf(plain).length > 0).length;
  return spoken >= words.length * SPOKEN;
}

/**
 * The guards read English. A model of sentences finds questions near in many languages, and without a guard would take `nicht` for nothing: of
 * what is not known to be English the words must be the same.
 */
export const language: SameGuard = {
  name: "language",
  differs(asked, stored, nearness) {
    if (isEnglish(asked) || isEnglish(stored)) return undefined;
    return topic.differs(asked, stored, nearness) === undefined
      ? undefined
      : contradiction("not known to be English, and in other words");
  },
};
