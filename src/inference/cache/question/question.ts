import { type Asking, askingOf } from "./asking.ts";
import { askingNouns, askingVerbs, faintWords, headingNouns, questionWords, silentWords } from "./light-words.ts";
import { toDigits } from "./number-words.ts";
import { stemOf } from "./stem.ts";
import { toCommonStem } from "./synonyms.ts";
import { type Word, wordsOf } from "./words.ts";

/** A word that says what a question is about. */
export interface Topic {
  /** One stem for all forms and synonyms of the word. */
  readonly stem: string;
  /** 0 to 1: how much it says. */
  readonly weight: number;
  /** Index in `words`. */
  readonly word: number;
}

/** A question as the lexical embedder and the guards read it. */
export interface Question {
  readonly text: string;
  readonly words: readonly Word[];
  readonly topics: readonly Topic[];
  readonly asking: Asking;
}

const FAINT = 0.35;

/* `don't`, `what's`, `I'm`: the words that they join are all silent. */
const CONTRACTED =
  /^(?:i|you|he|she|it|we|they|what|who|where|when|how|that|there|let|do|does|did|is|are|was|were|has|have|had|ca|can|could|wo|wi|would|should|must)['’]?(?:n['’]?t|['’](?:s|m|re|ve|ll|d))$/i;

/* Two words that are one verb. */
const PHRASES: Readonly<Record<string, string>> = { on: "enable", off: "disable" };

/* `book a room`: a verb, which a book is not. */
const BEFORE_NOUN = new Set("a an the my our this another".split(" "));
const DETERMINERS = new Set("a an the my your our his her their this that next last first".split(" "));

/* `the training`, `buildings`: things, and no form of `the train` or `a build`. In `a dripping tap` it is what the tap does. */
function isThing(word: number, words: readonly Word[]): boolean {
  const { plain = "" } = words[word] ?? {};
  if (/.{3}ings$/.test(plain)) return true;
  const next = words[word + 1]?.plain;
  const isLast = next === undefined || silentWords.has(next);
  return isLast && /.{3}ing$/.test(plain) && DETERMINERS.has(words[word - 1]?.plain ?? "");
}

const mayPrecede = [silentWords, askingVerbs, askingNouns];

/* Whether it only asks, there where it stands. */
function isAsking(word: number, words: readonly Word[]): boolean {
  const { plain = "" } = words[word] ?? {};
  if (plain === "type") return words[word + 1]?.plain === "of" && /^wh(?:at|ich)$/.test(words[word - 1]?.plain ?? "");
  if (askingVerbs.has(plain))
    return words
      .slice(0, word)
      .every((each) => !questionWords.has(each.plain) && mayPrecede.some((list) => list.has(each.plain)));
  if (!askingNouns.has(plain)) return false;
  const next = words[word + 1]?.plain;
  return (next === undefined || silentWords.has(next)) && !words.slice(0, word).some((each) => each.plain === "how");
}

function topicOf({ written, plain }: Word, word: number, words: readonly Word[]): Topic | undefined {
  const phrase = plain === "turn" || plain === "switch" ? PHRASES[words[word + 1]?.plain ?? ""] : undefined;
  if (phrase !== undefined) return { stem: toCommonStem(stemOf(phrase)), weight: 1, word };
  if (silentWords.has(plain) || CONTRACTED.test(written) || isAsking(word, words)) return undefined;
  /* `what time`: when. */
  if (plain === "time" && /^wh(?:at|ich)$/.test(words[word - 1]?.plain ?? "")) return undefined;
  if (plain === "book" && BEFORE_NOUN.has(words[word + 1]?.plain ?? ""))
    return { stem: stemOf("reserve"), weight: 1, word };
  if (isThing(word, words)) return { stem: plain.replace(/s$/, ""), weight: 1, word };
  const isFaint = faintWords.has(plain) || (word === 0 && headingNouns.has(plain));
  return { stem: toCommonStem(stemOf(toDigits(plain))), weight: isFaint ? FAINT : 1, word };
}

/** Reads a question once, for the embedder and all guards. */
export function readQuestion(text: string): Question {
  const words = wordsOf(text);
  const topics = words.flatMap((word, index) => topicOf(word, index, words) ?? []);
  return { text, words, topics, asking: askingOf(text) };
}
