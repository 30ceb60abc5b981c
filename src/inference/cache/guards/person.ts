import type { Question } from "../question/question.ts";
import { type SameGuard, contradiction, differenceOf } from "./guard.ts";

const list = (words: string, person: string, part: string) =>
  words.split(" ").map((word) => [word, { person, part }] as const);
/* Who, and as what: the one who does, the one it is done to, or the one whose it is. Who asks may ask for others, too. */
const PERSONS = new Map([
  ...list("i", "me", "does"),
  ...list("me myself", "me", "done"),
  ...list("my mine", "me", "whose"),
  ...list("we", "me", "does"),
  ...list("us ourselves", "me", "done"),
  ...list("our ours", "me", "whose"),
  ...list("you yourself", "you", "any"),
  ...list("your yours", "you", "whose"),
  ...list("they", "they", "does"),
  ...list("them themselves", "they", "done"),
]);
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
const thirdsOf = ({ words }: Question) => [...new Set(words.flatMap(({ plain }) => THIRD[plain] ?? []))];

/* Who is spoken to about the asking itself, and who only asks: `can you tell me`, `I want to know`, `help me`, `do you have`. */
const ASKS =
  /\b(?:(?:can|could|would|will|please) (?:you )?(?:please )?(?:help|tell|show|give|explain|describe|teach|walk|send)(?: to)? (?:me|us)(?: (?:understand|through))?|(?:can|could|would|will) you (?:please )?(?:explain|describe|tell|show|help)|(?:help|tell|show|give|teach) (?:me|us)|i(?:['’]d| would)? (?:want|need|like) to (?:know|learn|understand)|i (?:was|am) (?:wondering|trying|looking)|i['’]m (?:wondering|trying|looking)|do you (?:know|have|offer|sell|ship|allow|accept|support)|thank you|let me know)\b/gi;

interface Named {
  readonly person: string;
  readonly part: string;
}

const personsOf = ({ text }: Question): readonly Named[] =>
  (text.replace(ASKS, " ").match(/\p{L}+/gu) ?? []).flatMap((word) =>
    /* A country. */
    word === "US" ? [] : (PERSONS.get(word.toLowerCase()) ?? []),
  );

const kindsOf = (named: readonly Named[]): readonly string[] => [...new Set(named.map(({ person }) => person))];

/* `how do I`, `how do you` and `how do we`: anybody. */
const ANYBODY = /^(?!.*\bwhere do(?:es)? \w+ \w+\W*$)/is;
const isAnybody = ({ asking, text }: Question): boolean =>
  (asking === "how" || asking === "may" || asking === "open" || /\bhow (?:often|long|much|many)\b/i.test(text)) &&
  ANYBODY.test(text);

function isOtherPerson(asked: Question, stored: Question): boolean {
  const [left, right] = [personsOf(asked), personsOf(stored)];
  const [kinds, otherKinds] = [kindsOf(left), kindsOf(right)];
  if (kinds.length === 0 || otherKinds.length === 0) return false;
  if (kinds.length === 1 && otherKinds.length === 1) {
    if (isAnybody(asked) && isAnybody(stored)) return false;
    if (kinds[0] !== otherKinds[0]) return true;
    /* `who is my boss` and `whose boss am I`. */
    const isDoer = (named: readonly Named[]) => named.some(({ part }) => part === "does");
    if (asked.asking === "who" && stored.asking === "who" && isDoer(left) !== isDoer(right)) return true;
    const parts = [left, right].map(
      (named) => new Set(named.map(({ part }) => part).filter((part) => part !== "whose")),
    );
    const [one, other] = parts as [Set<string>, Set<string>];
    return one.size > 0 && other.size > 0 && ![...one].some((part) => other.has(part));
  }
  const spell = (named: readonly Named[]) =>
    named.flatMap(({ person, part }) => (part === "whose" ? [] : `${person} ${part}`)).join(", ");
  const [one, other] = [spell(left), spell(right)];
  return one !== "" && other !== "" && one !== other;
}

/** Other people, or the same ones in each other's place: he for she, you for me, `do I owe you` for `do you owe me`. */
export const person: SameGuard = {
  name: "person",
  differs: (asked, stored) =>
    isOtherPerson(asked, stored)
      ? contradiction("they ask of different people")
      : differenceOf(thirdsOf(asked), thirdsOf(stored), "they ask of different people"),
};
