import type { Question } from "../question/question.ts";
import { faintWords, silentWords } from "../question/light-words.ts";
import { isOfName } from "../question/names.ts";
import { stemOf } from "../question/stem.ts";
import { type SameGuard, contradiction } from "./guard.ts";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".split("");

/* The runtime knows the countries and languages of the world: no list of our own to grow old. */
function namesOfTheWorld(): ReadonlySet<string> {
  const regions = new Intl.DisplayNames("en", { type: "region", fallback: "none" });
  const languages = new Intl.DisplayNames("en", { type: "language", fallback: "none" });
  const codes = LETTERS.flatMap((first) => LETTERS.map((second) => first + second));
  const names = codes.flatMap((code) => [regions.of(code), languages.of(code.toLowerCase())]);
  /* Names of one word, and long enough not to be another word as well. */
  return new Set(names.flatMap((name) => (name && /^\p{Lu}\p{Ll}{4,}$/u.test(name) ? name.toLowerCase() : [])));
}
const worldNames = namesOfTheWorld();
/* Countries and languages that are things on a table, too. */
const THINGS = new Set(["turkey", "china", "polish", "jersey"]);

const QUOTED = /["“”«»]([^"“”«»]{1,200})["“”«»]/g;
const isCalendar = (plain: string) =>
  /^(?:jan|febr)uary$|^(?:march|april|may|june|july|august)$|^(?:septem|octo|novem|decem)ber$|day$/.test(plain);

const isOfTheWorld = ({ plain }: Question["words"][number]) => worldNames.has(plain) && !THINGS.has(plain);

/* `1GB`, and `II`, which are numbers. */
const COUNTED = /^(?:\d|[IVX]{2,}$)/;

/* A capital within a sentence, several capitals, or a name of the world in any case. */
function isName(word: Question["words"][number], shouts: boolean): boolean {
  const { written, plain, opens } = word;
  if (silentWords.has(plain) || isCalendar(plain) || COUNTED.test(written)) return false;
  if (isOfTheWorld(word)) return true;
  if (shouts) return false;
  return (!opens && /^\p{Lu}/u.test(written)) || /^\P{Lu}*\p{Lu}\P{Lu}*\p{Lu}|^\p{Ll}+\p{Lu}/u.test(written);
}

/* Where most words have capitals, as in a heading, a capital says nothing. */
function hasShouting({ words }: Question): boolean {
  const lettered = words.filter(({ written, plain }) => /^\p{L}/u.test(written) && !silentWords.has(plain));
  return lettered.length > 3 && lettered.every(({ written }) => /^\p{Lu}/u.test(written));
}

const quotesOf = ({ text }: Question) =>
  [...text.matchAll(QUOTED)].map(([, quoted = ""]) => quoted.toLowerCase().trim());

/* Every name of one is a word of the other, however it is written there. */
function misses(from: Question, to: Question, isMeant: (word: Question["words"][number]) => boolean): boolean {
  const there = new Set(to.words.flatMap(({ plain }) => [plain, stemOf(plain)]));
  return from.words.some(
    (word) =>
      isMeant(word) &&
      !faintWords.has(word.plain) &&
      !there.has(word.plain) &&
      !there.has(stemOf(word.plain)) &&
      !to.words.some(({ plain }) => isOfName(plain, word.plain)) &&
      !isSpeltOut(word.written, to),
  );
}

function missesAny(from: Question, to: Question): boolean {
  const shouts = hasShouting(from);
  return misses(from, to, (word) => isName(word, shouts));
}

/* What one quotes the other quotes as well, or says without quotes. */
function quotesElse(from: Question, to: Question): boolean {
  const said = to.text.toLowerCase();
  const there = quotesOf(to);
  return quotesOf(from).some((quoted) => !there.includes(quoted) && (there.length > 0 || !said.includes(quoted)));
}

const ACRONYM = /^\p{Lu}{2,6}$/u;

/* `ML` and `machine learning`: its letters begin words that follow one another. */
function isSpeltOut(written: string, to: Question): boolean {
  if (!ACRONYM.test(written)) return false;
  const initials = to.words.map(({ plain }) => plain[0] ?? "").join("");
  return initials.includes(written.toLowerCase());
}

const isAfterArticle = ({ words }: Question, at: number): boolean => /^an?$/.test(words[at - 1]?.plain ?? "");

/* `a python`, not `a python script`. */
const isHead = ({ words }: Question, at: number): boolean =>
  words[at + 1] === undefined || silentWords.has(words[at + 1]?.plain ?? "");

/* `Apple` and `an apple`, `Turkey` and `turkey`: a name in one is a thing in the other, which an article or its own sense tells. */
function isThingThere(from: Question, to: Question): boolean {
  if (hasShouting(from)) return false;
  return from.words.some(
    ({ written, plain, opens }, at) =>
      !opens &&
      /^\p{Lu}\p{Ll}/u.test(written) &&
      !silentWords.has(plain) &&
      !isAfterArticle(from, at) &&
      to.words.some(
        (other, there) =>
          other.plain === plain &&
          /^\p{Ll}/u.test(other.written) &&
          (THINGS.has(plain) || (isAfterArticle(to, there) && isHead(to, there))),
      ),
  );
}

/** Each names a person, place or product that the other does not, or one a country or a quotation. What one alone names is a word left over. */
export const names: SameGuard = {
  name: "names",
  differs(asked, stored) {
    const [quotes, quotesThere] = [quotesElse(asked, stored), quotesElse(stored, asked)];
    if (isThingThere(asked, stored) || isThingThere(stored, asked))
      return contradiction("a name in one is a thing in the other");
    if (missesAny(asked, stored) && missesAny(stored, asked)) return contradiction("they name different things");
    if (quotes || quotesThere) return { because: "they quote different words", isUnsaid: !(quotes && quotesThere) };
    const isNamed = misses(asked, stored, isOfTheWorld) || misses(stored, asked, isOfTheWorld);
    return isNamed ? { because: "they name different things", isUnsaid: true } : undefined;
  },
};
