import type { Question } from "../question/question.ts";
import { type SameGuard, sameMembers } from "./guard.ts";

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

function versionsOf({ text, words }: Question): readonly string[] {
  const written = [...text.matchAll(WRITTEN)].map(([version]) =>
    version
      .toLowerCase()
      .replace(/^v(?=\d)/, "")
      .replace(/(?<=\p{L})[-/](?=\d)/u, ""),
  );
  const said = words.flatMap(({ plain }) => (Object.hasOwn(SAID, plain) ? (SAID[plain] ?? []) : []));
  return [...written, ...said];
}

/** Other versions, models or editions. */
export const versions: SameGuard = {
  name: "versions",
  differs: (asked, stored) =>
    sameMembers(versionsOf(asked), versionsOf(stored)) ? undefined : "they speak of different versions",
};
