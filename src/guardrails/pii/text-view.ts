/** A text as a person reads it, and where its characters lie as it is written. */
export interface TextView {
  readonly raw: string;
  readonly json: boolean;
  /** `raw` with the escapes of JSON strings resolved. */
  readonly text: string;
  /** Where in `raw` the character `index` of `text` is written; for the text's length, where the readable part of `raw` ends. */
  rawIndex(index: number): number;
  /** Whether the character `index` of `text` is a quote that begins or ends a JSON string. */
  isQuote(index: number): boolean;
}

const asItIs = (index: number) => index;
const QUOTE = 34;
const BACKSLASH = 92;

export function viewPlain(raw: string): TextView {
  return { raw, json: false, text: raw, rawIndex: asItIs, isQuote: () => false };
}

const escapes: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/**
 * Reads a piece of JSON. An escape that is not complete at the end is left out. Escapes stand only inside strings, so the piece may
 * begin and end anywhere else; of what is no JSON every character stands for itself.
 */
export function viewJson(raw: string): TextView {
  const isQuote = (at: (index: number) => number) => (index: number) => raw.charCodeAt(at(index)) === QUOTE;
  if (!raw.includes("\\")) return { raw, json: true, text: raw, rawIndex: asItIs, isQuote: isQuote(asItIs) };
  const starts = new Uint32Array(raw.length + 1);
  let text = "";
  let index = 0;
  while (index < raw.length) {
    starts[text.length] = index;
    if (raw.charCodeAt(index) !== BACKSLASH) {
      text += raw.charAt(index++);
      continue;
    }
    const kind = raw.charAt(index + 1);
    const length = kind === "u" ? 6 : 2;
    if (index + length > raw.length) break;
    text += kind === "u" ? readUnicode(raw.slice(index, index + 6)) : (escapes[kind] ?? kind);
    index += length;
  }
  starts[text.length] = index;
  const rawIndex = (at: number) => starts[at] ?? index;
  return { raw, json: true, text, rawIndex, isQuote: isQuote(rawIndex) };
}

/* What is no escape stands for one character that is part of no value. */
function readUnicode(escape: string): string {
  return /^\\u[0-9A-Fa-f]{4}$/.test(escape) ? String.fromCharCode(Number.parseInt(escape.slice(2), 16)) : "\ufffd";
}

/** Tells what of a view stands inside JSON strings. Asked in order of the text. */
export class QuoteCount {
  readonly #view: TextView;
  #read = 0;
  #inside: boolean;

  /** `inside`: whether the view begins inside a string. */
  constructor(view: TextView, inside = false) {
    this.#view = view;
    this.#inside = inside;
  }

  inString(index: number): boolean {
    for (; this.#read < index; this.#read++) if (this.#view.isQuote(this.#read)) this.#inside = !this.#inside;
    return this.#inside;
  }
}

/** A text as it is written inside a JSON string. */
export const toJsonEscaped = (text: string): string => JSON.stringify(text).slice(1, -1);

/** Where a text can be cut before `index` without parting the two halves of a character. */
export function cutBefore(text: string, index: number): number {
  const last = text.charCodeAt(index - 1);
  return last >= 0xd800 && last < 0xdc00 ? index - 1 : index;
}
