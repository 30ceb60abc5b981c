import type { Question } from "../question/question.ts";
import { type SameGuard, differenceOf } from "./guard.ts";

/* `3.10` is not `3.1`: dotted numbers are compared as they are written; so is what letters and digits make together: `log4j`, `v2`, `GPT-4`, `HTTP/2`. */
const WRITTEN = /\bv?\d+(?:\.\d+)+(?:[-+][\w.]+)?|\b\p{L}+[-/]?\d[\p{L}\d]*(?:\.\d+)*(?:-[\w.]+)?/giu;

const SAID: Readonly<Record<string, string>> = {
  latest: "latest",
  newest: "latest",
  current: "current",
  previous: "previous",
  former: "previous",
  legacy: "legacy",
  old: "legacy",
  older: "legacy",
  ...Object.fromEntries(
    "alpha beta rc lts nightly stable preview pro plus mini ultra lite air enterprise community professional home standard premium basic free"
      .split(" ")
      .map((word) => [word, word]),
  ),
};

/* Words of everyday, too: they say a version beside a name, or beside what has versions. */
const EVERYDAY = new Set(
  "current previous former old older plus air stable preview home standard basic free professional community".split(
    " ",
  ),
);
const HAVE_VERSIONS = /^(?:version|edition|release|model|plan|tier|account|licen[cs]e|subscription|build|branch)s?$/;

function isVersion(words: Question["words"], at: number): boolean {
  const [before, after] = [words[at - 1], words[at + 1]];
  if (!EVERYDAY.has(words[at]?.plain ?? "") || HAVE_VERSIONS.test(after?.plain ?? "")) return true;
  return [before, after].some(
    (word) => word !== undefined && !word.opens && /^\p{Lu}|\d/u.test(word.written) && word.plain !== "i",
  );
}

function versionsOf({ text, words }: Question): readonly string[] {
  const written = [...text.matchAll(WRITTEN)].map(([version]) =>
    version
      .toLowerCase()
      .replace(/^v(?=\d)/, "")
      .replace(/(?<=\p{L})[-/](?=\d)/u, ""),
  );
  const said = words.flatMap(({ plain }, at) =>
    Object.hasOwn(SAID, plain) && isVersion(words, at) ? (SAID[plain] ?? []) : [],
  );
  return [...written, ...said];
}

/** Other versions, models or editions. */
export const versions: SameGuard = {
  name: "versions",
  differs: (asked, stored) => differenceOf(versionsOf(asked), versionsOf(stored), "they speak of different versions"),
};
