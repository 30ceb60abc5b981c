import { brotliDecompressSync } from "node:zlib";
import { irregularOf } from "./stem.ts";

/** What the dictionary knows of a word. */
export interface Entry {
  readonly lemma: string;
  /** How often it was met in tagged texts of a quarter of a million words: 0 for rare ones. */
  readonly count: number;
  /** Its main meanings, by number. */
  readonly senses: readonly number[];
}

interface Lexicon {
  readonly entries: ReadonlyMap<string, Entry>;
  /** The broader meaning of a noun's. */
  readonly above: ReadonlyMap<number, number>;
  /** Two lemmas with a space between, either way round. */
  readonly antonyms: ReadonlySet<string>;
  /** Words of one root that differ in kind: `pay`, `payment`. */
  readonly derived: ReadonlyMap<string, readonly Entry[]>;
}

let lexicon: Lexicon | undefined;
let loading: Promise<void> | undefined;

const toNumber = (text: string) => Number.parseInt(text, 36);

function parse(text: string): Lexicon {
  const [words = "", nouns = "", opposites = "", derivations = ""] = text.split("\n\n");
  let before = "";
  const inOrder = words.split("\n").map((line): Entry => {
    const [spelling = "", count = "", ...senses] = line.split(" ");
    before = before.slice(0, toNumber(spelling[0] ?? "")) + spelling.slice(1);
    return { lemma: before, count: toNumber(count), senses: senses.map(toNumber) };
  });
  const linesOf = (part: string) => part.split("\n").map((line) => line.split(" ").map(toNumber) as [number, number]);
  const bothWays = (part: string) =>
    linesOf(part).flatMap(([one, other]) => {
      const [left, right] = [inOrder[one], inOrder[other]];
      return left === undefined || right === undefined
        ? []
        : ([[left, right] as const, [right, left] as const] as const);
    });
  return {
    entries: new Map(inOrder.map((entry) => [entry.lemma, entry])),
    above: new Map(linesOf(nouns)),
    antonyms: new Set(bothWays(opposites).map(([left, right]) => `${left.lemma} ${right.lemma}`)),
    derived: new Map(
      [...Map.groupBy(bothWays(derivations), ([left]) => left.lemma)].map(
        ([lemma, pairs]) => [lemma, pairs.map(([, right]) => right)] as const,
      ),
    ),
  };
}

/** Reads the dictionary, once: a third of a second. Before that every word is unknown, and none stands for another. */
export function loadLexicon(): Promise<void> {
  loading ??= import("./wordnet.ts").then(({ wordnet }) => {
    lexicon = parse(brotliDecompressSync(Buffer.from(wordnet, "base64")).toString());
  });
  return loading;
}

/* Endings of English, and what stands in their place in the dictionary. */
const ENDINGS = [
  ["s", ""],
  ["es", ""],
  ["ies", "y"],
  ["ves", "f"],
  ["ed", "e"],
  ["ed", ""],
  ["ied", "y"],
  ["ing", "e"],
  ["ing", ""],
  ["er", "e"],
  ["er", ""],
  ["ier", "y"],
  ["est", "e"],
  ["est", ""],
  ["iest", "y"],
] as const;

/** The words of the dictionary that this may be a form of. Empty: it knows none. */
export function entriesOf(plain: string): readonly Entry[] {
  const forms = [plain, irregularOf(plain) ?? plain];
  for (const [end, instead] of ENDINGS) {
    if (!plain.endsWith(end) || plain.length - end.length < 2) continue;
    const bare = plain.slice(0, -end.length);
    forms.push(bare + instead);
    if (/([bdgklmnprtvz])\1$/.test(bare)) forms.push(bare.slice(0, -1));
  }
  return [...new Set(forms)].flatMap((form) => lexicon?.entries.get(form) ?? []);
}

const meet = (left: Entry, right: Entry) => left === right || left.senses.some((sense) => right.senses.includes(sense));

/** One means what the other means, or is made of it: `salary` and `wages`, `pay` and `payment`. */
export function isSameMeaning(left: readonly Entry[], right: readonly Entry[]): boolean {
  const formsOf = ({ lemma }: Entry) => lexicon?.derived.get(lemma) ?? [];
  return left.some((one) =>
    right.some(
      (other) =>
        meet(one, other) ||
        formsOf(one).some((form) => meet(form, other)) ||
        formsOf(other).some((form) => meet(form, one)),
    ),
  );
}

const areSiblings = (left: number, right: number) => {
  const above = lexicon?.above.get(left);
  return above !== undefined && above === lexicon?.above.get(right);
};

/** Opposites, or two of a kind: `thicken` and `thin`, `sodium` and `potassium`. */
export function isContrast(left: readonly Entry[], right: readonly Entry[]): boolean {
  return left.some((one) =>
    right.some(
      (other) =>
        lexicon?.antonyms.has(`${one.lemma} ${other.lemma}`) === true ||
        one.senses.some((sense) => other.senses.some((by) => areSiblings(sense, by))),
    ),
  );
}
