import { type Asking, askingOf } from "./asking.ts";
import { faintWords, silentWords } from "./light-words.ts";
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

function topicOf({ written, plain }: Word, word: number, words: readonly Word[]): Topic | undefined {
  const phrase = plain === "turn" || plain === "switch" ? PHRASES[words[word + 1]?.plain ?? ""] : undefined;
  if (phrase !== undefined) return { stem: toCommonStem(stemOf(phrase)), weight: 1, word };
  if (silentWords.has(plain) || CONTRACTED.test(written)) return undefined;
  /* `what time`: when. */
  if (plain === "time" && /^wh(?:at|ich)$/.test(words[word - 1]?.plain ?? "")) return undefined;
  return { stem: toCommonStem(stemOf(plain)), weight: faintWords.has(plain) ? FAINT : 1, word };
}

/** Reads a question once, for the embedder and all guards. */
export function readQuestion(text: string): Question {
  const words = wordsOf(text);
  const topics = words.flatMap((word, index) => topicOf(word, index, words) ?? []);
  return { text, words, topics, asking: askingOf(text) };
}
