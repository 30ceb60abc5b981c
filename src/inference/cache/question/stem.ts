const IRREGULAR: Readonly<Record<string, string>> = {
  children: "child",
  people: "person",
  men: "man",
  women: "woman",
  feet: "foot",
  teeth: "tooth",
  mice: "mouse",
  made: "make",
  paid: "pay",
  wrote: "write",
  written: "write",
  sent: "send",
  bought: "buy",
  sold: "sell",
  built: "build",
  found: "find",
  forgot: "forget",
  forgotten: "forget",
  left: "left",
  lost: "lose",
  spoken: "speak",
  spoke: "speak",
  taken: "take",
  took: "take",
  went: "go",
  gone: "go",
  got: "get",
  knew: "know",
  known: "know",
  began: "begin",
  begun: "begin",
  broke: "break",
  broken: "break",
  chose: "choose",
  chosen: "choose",
  drove: "drive",
  grew: "grow",
  ran: "run",
  won: "win",
  froze: "freeze",
  frozen: "freeze",
};

/* Whose plural is another word, and what only looks like one. */
const PLURALS = new Set("news customs goods arms glasses savings means clothes".split(" "));
/** What an irregular form comes from: `paid` pay. Undefined for any other word. */
export const irregularOf = (word: string): string | undefined =>
  Object.hasOwn(IRREGULAR, word) ? IRREGULAR[word] : undefined;

const ends = (word: string, end: string, left: number) => word.endsWith(end) && word.length - end.length >= left;
const cut = (word: string, count: number) => word.slice(0, word.length - count);

function withoutPlural(word: string): string {
  if (PLURALS.has(word) || word.endsWith("ics")) return word;
  if (ends(word, "ies", 2)) return `${cut(word, 3)}y`;
  if (ends(word, "sses", 1) || ends(word, "xes", 1) || ends(word, "ches", 2) || ends(word, "shes", 2))
    return cut(word, 2);
  if (ends(word, "s", 3) && !/(?:ss|us|is)$/.test(word)) return cut(word, 1);
  return word;
}

/* What a verb's ending leaves: `running` run, `stopped` stop, but `selling` sell. */
const undoubled = (word: string) => (/([bdgkmnprtv])\1$/.test(word) ? cut(word, 1) : word);
const hasVowel = (word: string) => /[aeiouy]/.test(word);

function withoutVerbEnding(word: string): string {
  for (const end of ["ing", "ed"])
    if (ends(word, end, 3) && hasVowel(cut(word, end.length))) return undoubled(cut(word, end.length));
  return word;
}

function withoutNounEnding(word: string): string {
  if (ends(word, "mission", 2)) return `${cut(word, 5)}it`;
  if (ends(word, "ation", 4)) return cut(word, 5);
  if (/[st]ion$/.test(word) && word.length >= 7) return cut(word, 3);
  if (ends(word, "ment", 5)) return cut(word, 4);
  /* Not `business`. */
  if (ends(word, "ness", 5)) return cut(word, 4);
  if (ends(word, "ly", 5) && !word.endsWith("bly")) return cut(word, 2);
  /* What is done, as in `renewal` and `refusal`; not what is like something, as in `national` and `general`. */
  if (/[svw]al$/.test(word) && word.length >= 7) return cut(word, 2);
  return word;
}

/** What the forms of an English word have in common: `resets`, `resetting` and `reset`. For lower-case words of ASCII letters; others stay as they are. */
export function stemOf(word: string): string {
  /* Its own stem, as the regular forms have it: `made`, `making`. */
  const regular = irregularOf(word) ?? word;
  if (regular.length <= 3 || !/^[a-z]+$/.test(regular)) return regular;
  let stem = withoutNounEnding(undoubled(withoutVerbEnding(withoutPlural(regular))));
  if (ends(stem, "e", 3)) stem = cut(stem, 1);
  if (ends(stem, "at", 4)) stem = cut(stem, 2);
  if (ends(stem, "y", 6)) return cut(stem, 1);
  return ends(stem, "y", 3) ? `${cut(stem, 1)}i` : stem;
}
