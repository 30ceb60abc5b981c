import type { Question } from "../question/question.ts";
import { type SameGuard, contradiction, differenceOf } from "./guard.ts";

/* Fenced and quoted code, calls, and then words that only code has. Every form is linear: no nested repetition. */
const QUOTED = /```[^`]*```|`[^`\n]+`/g;
const CALL = /(?<![\w$.])[\w$.]+\([^()\n]*\)/g;
const SIGNS = /[=<>{}[\]\\|&^~#@*_]|::|->|\+\+|--/;
/* A flag, an address, a path, dotted names; `and/or` and `U.S.` are neither. */
const FORMS = /^--?[\p{L}]|^\w+:\/\/|^[~.]?\/\w|\w\/\w+\/|\p{L}{2}\.\p{L}{2,}|^[-+*/%]$|^[a-z]+[\p{Lu}]\w*\($/u;

/* Between words a dash is a pause; between numbers and single letters it takes away. */
const DASH = /(?<=\p{L}{2}) - | - (?=\p{L}{2})/gu;

function codeOf({ text }: Question): readonly string[] {
  const quoted = [...text.matchAll(QUOTED)].map(([code]) => code);
  const rest = text.replace(QUOTED, " ");
  const calls = [...rest.matchAll(CALL)].map(([call]) => call);
  const words = rest
    .replace(CALL, " ")
    .replaceAll(DASH, " ")
    .split(/\s+/)
    .map((word) => word.replace(/^[("'“]+|[)"'”.,;:?!]+$/g, ""))
    .filter((word) => SIGNS.test(word) || FORMS.test(word));
  return [...quoted.map((code) => code.replace(/^`+|`+$/g, "").trim()), ...calls, ...words];
}

/** Other code, letter by letter and in order: in code a sign, a capital or a place is another thing. */
export const code: SameGuard = {
  name: "code",
  differs(asked, stored) {
    const left = codeOf(asked);
    const right = codeOf(stored);
    const isEqual = left.length === right.length && left.every((piece, at) => piece === right[at]);
    const because = "they hold different code";
    return isEqual ? undefined : (differenceOf(left, right, because) ?? contradiction(because));
  },
};
