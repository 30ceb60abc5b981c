import type { Question } from "../question/question.ts";
import { stemOf } from "../question/stem.ts";
import { type SameGuard, contradiction } from "./guard.ts";

const DENIALS = new Set(
  "avoid avoids avoiding prevent prevents preventing refuse refuses refused not non no never none neither nor cannot nobody nothing nowhere unable hardly barely scarcely seldom rarely".split(
    " ",
  ),
);
const EXCEPTIONS = new Set(
  "without except excluding exclude excludes excluded unless lacking lacks lack minus besides instead".split(" "),
);
const CONTRACTED =
  /n['’]t$|^(?:cant|dont|doesnt|didnt|wont|isnt|arent|wasnt|werent|hasnt|havent|shouldnt|couldnt|wouldnt)$/i;
const PREFIX = /^(?:un|in|im|ir|il|dis|non|anti|mis|de)(?=[a-z]{3})/;

const KNOWING = new Set("know understand remember see get".split(" "));
const ASKED = new Set("how what where which why when who whether if".split(" "));

/* `I don't know how to …` tells of the asker, not of what is asked. */
const saysUnknown = (words: Question["words"], at: number): boolean =>
  KNOWING.has(words[at + 1]?.plain ?? "") && ASKED.has(words[at + 2]?.plain ?? "");

/* `everything but the price` */
const WHOLE = /^(?:every\w*|any\w*|all|no|none|nothing|nobody)$/;
const REACH = 3;

/* `stop it from leaking`, but not `stop the engine`. */
const STOP = /^stop(?:s|ped|ping)?$/;

const LONGEST_OBJECT = 6;
const isDoing = (words: Question["words"], at: number): boolean =>
  words
    .slice(at + 1, at + 1 + LONGEST_OBJECT)
    .some(
      ({ plain }, after) => /.{3}ing$/.test(plain) && !/^(?:an?|the|my|your)$/.test(words[at + after]?.plain ?? ""),
    );

/* `without notice`, `without prior notice`: the noun counts, which the other has. */
const NOUNS = /^(?:no|without|except|lacking|minus)$/;
const MOST_BEFORE_NOUN = 2;

function deniedAfter({ words, topics }: Question, at: number, other: Question): string {
  const after = topics.filter(({ word }) => word > at);
  const shared = NOUNS.test(words[at]?.plain ?? "")
    ? after.slice(0, MOST_BEFORE_NOUN).find(({ stem }) => other.topics.some((topic) => topic.stem === stem))
    : undefined;
  return (shared ?? after[0])?.stem ?? "";
}

function kindOf(words: Question["words"], at: number): "not" | "except" | undefined {
  const { plain = "", written = "" } = words[at] ?? {};
  if (plain === "but" && words.slice(Math.max(0, at - REACH), at).some((word) => WHOLE.test(word.plain)))
    return "except";
  if (DENIALS.has(plain) || CONTRACTED.test(written) || (STOP.test(plain) && isDoing(words, at)))
    return plain === "nor" || saysUnknown(words, at) ? undefined : "not";
  return EXCEPTIONS.has(plain) ? "except" : undefined;
}

/* A denial, and the word it denies: `A, not B` is not `not A, B`. */
const denialsOf = (question: Question, other: Question): readonly string[] =>
  question.words.flatMap((_, at) => {
    const kind = kindOf(question.words, at);
    return kind === undefined ? [] : `${kind} ${deniedAfter(question, at, other)}`;
  });

/* `verified` in one and `unverified` in the other, or `useful` and `useless`. */
function turnsRound({ words }: Question, other: ReadonlySet<string>): boolean {
  return words.some(({ plain }) => {
    if (other.has(plain)) return false;
    const bare = plain.replace(PREFIX, "");
    if (bare !== plain && (other.has(bare) || other.has(stemOf(bare)))) return true;
    return plain.endsWith("less") && other.has(`${plain.slice(0, -4)}ful`);
  });
}

const formsOf = ({ words }: Question) => new Set(words.flatMap(({ plain }) => [plain, stemOf(plain)]));

/** One denies or excepts what the other does not. */
export const negation: SameGuard = {
  name: "negation",
  differs(asked, stored) {
    const [left, right] = [denialsOf(asked, stored), denialsOf(stored, asked)];
    const turned = turnsRound(asked, formsOf(stored)) || turnsRound(stored, formsOf(asked));
    if (left.length === right.length && left.every((denial) => right.includes(denial)))
      return turned ? contradiction("one denies a word of the other") : undefined;
    const isSaid = (denials: readonly string[], others: readonly string[], { topics }: Question) =>
      denials.some((denial) => !others.includes(denial) && topics.some(({ stem }) => denial.endsWith(` ${stem}`)));
    const isUnsaid = !isSaid(left, right, stored) && !isSaid(right, left, asked);
    return { because: "one denies what the other does not", isUnsaid };
  },
};
