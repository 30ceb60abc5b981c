import { confusables } from "./confusables.ts";

/** A text as a reader takes it, with the way back to the text as it was written. */
export interface Folded {
  readonly text: string;
  /** Of each character of `text`, where the character it came from begins in the original. */
  readonly starts: readonly number[];
  /** And where that character ends. */
  readonly ends: readonly number[];
  /** How much of the original was read: less than its length where it ends inside an escape or a character. */
  readonly read: number;
}

/* Accents, and what has no width: format characters (zero-width, bidirectional marks, soft hyphens, tags), variation selectors, fillers. */
const unseen = /[\p{M}\p{Cf}\u{115F}\u{1160}\u{3164}\u{FFA0}\u{E0000}-\u{E0FFF}]/gu;
const space = /^[\s\u00a0\u2800]$/u;
/* By number: a text of another alphabet asks for each of its letters. */
const remembered: (string | undefined)[] = Array.from({ length: 0x10000 }, () => undefined);

/** One character as a reader takes it: compatibility forms resolved, accents and lookalikes made plain, nothing for what is not seen. */
function foldCharacter(character: string): string {
  const code = character.length === 1 ? character.charCodeAt(0) : 0;
  const known = code === 0 ? undefined : remembered[code];
  if (known !== undefined) return known;
  let folded = "";
  for (const part of character.normalize("NFKD").replaceAll(unseen, ""))
    folded += space.test(part) ? " " : (confusables.get(part) ?? part);
  if (code !== 0) remembered[code] = folded;
  return folded;
}

const asciiOnly = /^[\0-\x7f]*$/;
const shortEscapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" };

/** Whether folding would change nothing. */
export const isPlain = (text: string): boolean => asciiOnly.test(text);

/** The text as a reader takes it, without the places: for a text that is only looked at. */
export function foldText(text: string): string {
  if (asciiOnly.test(text)) return text;
  let folded = "";
  for (const character of text) folded += character < "\x80" ? character : foldCharacter(character);
  return folded;
}

/**
 * The text as a reader takes it. `json`: it is the inside of a JSON string, whose escapes are resolved; with `lookalikes` false, that is
 * all that happens.
 */
export function fold(original: string, json: boolean, lookalikes = true): Folded {
  let text = "";
  const starts: number[] = [];
  const ends: number[] = [];
  let at = 0;
  while (at < original.length) {
    let length = 1;
    let character = original[at] as string;
    if (json && character === "\\") {
      const escape = readEscape(original, at);
      if (escape === undefined) break;
      ({ character, length } = escape);
    } else if (character >= "\ud800" && character <= "\udbff") {
      if (at + 1 === original.length) break;
      character = String.fromCodePoint(original.codePointAt(at) ?? 0);
      ({ length } = character);
    }
    const folded = character < "\x80" || !lookalikes ? character : foldCharacter(character);
    for (let index = 0; index < folded.length; index++) {
      starts.push(at);
      ends.push(at + length);
    }
    text += folded;
    at += length;
  }
  return { text, starts, ends, read: at };
}

function readEscape(text: string, at: number): { readonly character: string; readonly length: number } | undefined {
  const kind = text[at + 1];
  if (kind === undefined) return undefined;
  if (kind !== "u") return { character: shortEscapes[kind] ?? kind, length: 2 };
  const digits = text.slice(at + 2, at + 6);
  if (digits.length < 4) return undefined;
  const unit = Number.parseInt(digits, 16);
  if (unit < 0xd800 || unit > 0xdbff) return { character: String.fromCharCode(unit), length: 6 };
  // The other half of a pair is an escape of its own.
  const rest = text.slice(at + 6, at + 12);
  if (rest.length < 6)
    return /^(?:\\(?:u[\da-f]*)?)?$/i.test(rest) ? undefined : { character: String.fromCharCode(unit), length: 6 };
  const low = /^\\u(d[c-f][\da-f]{2})$/i.exec(rest)?.[1];
  if (low === undefined) return { character: String.fromCharCode(unit), length: 6 };
  return { character: String.fromCharCode(unit, Number.parseInt(low, 16)), length: 12 };
}
