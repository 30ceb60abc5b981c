import { type Entry, entriesOf, isContrast, isSameMeaning } from "./lexicon.ts";
import { isOfName } from "./names.ts";
import type { Question, Topic } from "./question.ts";

/** A word of one question that nothing in the other stands for. */
export interface Leftover {
  /** Index in `words` of its question. */
  readonly word: number;
  /** 0 to 1: how much it says. Common words say little. */
  readonly weight: number;
  readonly isName: boolean;
}

export interface Leftovers {
  readonly asked: readonly Leftover[];
  readonly stored: readonly Leftover[];
  /** One has a word in whose place the other has its opposite, or another of its kind. */
  readonly hasContrast: boolean;
  /** The weight of all words of both that say what they are about. */
  readonly weight: number;
}

interface Met {
  readonly topic: Topic;
  readonly plain: string;
  readonly entries: readonly Entry[];
  readonly weight: number;
  readonly isName: boolean;
}

/* The logarithm of how often the commonest words were met. */
const COMMONEST = 7;
const LEAST_WEIGHT = 0.15;
const SHORTEST_MISSPELT = 5;
const SHORTEST_CUT = 4;
const LONGEST_ACRONYM = 5;
/* Beyond so many each is left over as it is: they have little in common, and comparing all with all is quadratic. */
const MOST_COMPARED = 40;
const MOST_TOPICS = 120;
/* So many words that both have tell which meaning of another is meant: alone, `pick a lock` is not `choose a lock`. */
const LEAST_COMPANY = 2;

function meetWord({ words }: Question, topic: Topic): Met {
  const { plain = "", written = "", opens } = words[topic.word] ?? {};
  const entries = entriesOf(plain);
  const count = entries.reduce((most, entry) => Math.max(most, entry.count), 0);
  /* A name says all, whatever the word means without a capital. */
  const isName = opens === false && /^\p{Lu}/u.test(written);
  const weight = isName ? 1 : Math.max(LEAST_WEIGHT, 1 - Math.log1p(count) / COMMONEST) * topic.weight;
  return { topic, plain, entries, weight, isName };
}

/* One letter more, less or other, or two that changed places. */
function isMisspelt(one: string, other: string): boolean {
  if (Math.min(one.length, other.length) < SHORTEST_MISSPELT || Math.abs(one.length - other.length) > 1) return false;
  let same = 0;
  while (same < one.length && one[same] === other[same]) same++;
  const [left, right] = [one.slice(same), other.slice(same)];
  const [after, behind] = [left.slice(1), right.slice(1)];
  if (after === behind || after === right || left === behind) return true;
  return left[0] === right[1] && left[1] === right[0] && left.slice(2) === right.slice(2);
}

/* Of two words the dictionary knows one: `recieve`, `physio`, `dicts`; or none, and one is made of the other: `Africa`, `African`. */
function isSpelling(one: Met, other: Met): boolean {
  const isUnknown = one.entries.length === 0;
  if (!isUnknown && other.entries.length > 0) return false;
  if (!/^[a-z]+$/.test(one.plain) || !/^[a-z]+$/.test(other.plain)) return false;
  const isBothUnknown = isUnknown && other.entries.length === 0;
  if (!isBothUnknown && isMisspelt(one.plain, other.plain)) return true;
  if (isBothUnknown) return isOfName(one.plain, other.plain);
  const [short = "", long = ""] = [one.topic.stem, other.topic.stem].toSorted((a, b) => a.length - b.length);
  return short.length >= SHORTEST_CUT && long.startsWith(short);
}

const isAcronym = ({ plain, entries }: Met) =>
  plain.length >= 2 && plain.length <= LONGEST_ACRONYM && entries.every(({ count }) => count === 0);

const initialsOf = ({ words }: Question) => words.map(({ plain }) => plain[0] ?? "").join("");

/* `hsa` and `health savings account`, `lower case` and `lowercase`. */
function isJoined(one: Met, here: Question, other: Question, there: readonly Met[]): boolean {
  const spelt = other.words;
  if (spelt.some(({ plain }, at) => plain + (spelt[at + 1]?.plain ?? " ") === one.plain)) return true;
  if (isAcronym(one) && initialsOf(other).includes(one.plain)) return true;
  const at = one.topic.word;
  const next = one.plain + (here.words[at + 1]?.plain ?? " ");
  const last = (here.words[at - 1]?.plain ?? " ") + one.plain;
  return there.some((met) => {
    if (met.plain === next || met.plain === last) return true;
    if (!isAcronym(met)) return false;
    const from = initialsOf(here).indexOf(met.plain);
    return from >= 0 && at >= from && at < from + met.plain.length;
  });
}

/** The words that say what one question is about, and for which the other has none: not itself, nor a synonym, another form or spelling. */
export function leftoversOf(asked: Question, stored: Question): Leftovers {
  const left = asked.topics.map((topic) => meetWord(asked, topic));
  const right = stored.topics.map((topic) => meetWord(stored, topic));
  const without = (one: readonly Met[], other: readonly Met[]) => {
    const stems = new Set(other.map(({ topic }) => topic.stem));
    return one.filter(({ topic }) => !stems.has(topic.stem));
  };
  const [onlyAsked, onlyStored] = [without(left, right), without(right, left)];
  const isCompared =
    onlyAsked.length + onlyStored.length <= MOST_COMPARED && Math.max(left.length, right.length) <= MOST_TOPICS;
  const hasCompany = left.length - onlyAsked.length >= LEAST_COMPANY;
  const isMet = (one: Met, here: Question, other: Question, there: readonly Met[]) =>
    isCompared &&
    (there.some((met) => (hasCompany && isSameMeaning(one.entries, met.entries)) || isSpelling(one, met)) ||
      isJoined(one, here, other, there));
  const unmetAsked = onlyAsked.filter((one) => !isMet(one, asked, stored, right));
  const unmetStored = onlyStored.filter((one) => !isMet(one, stored, asked, left));
  const toLeftover = ({ topic, weight, isName }: Met): Leftover => ({ word: topic.word, weight, isName });
  return {
    asked: unmetAsked.map(toLeftover),
    stored: unmetStored.map(toLeftover),
    hasContrast:
      isCompared &&
      onlyAsked.some((one) =>
        onlyStored.some(
          (other) => isContrast(one.entries, other.entries) && !isSameMeaning(one.entries, other.entries),
        ),
      ),
    weight: [...left, ...right].reduce((sum, { weight }) => sum + weight, 0),
  };
}
