import { HASH_PRIME, HASH_START, hintKinds, hintsOf } from "./word-hints.ts";

/** Counts over what was looked at of a text, and how long the whole is. */
export interface TextCounts {
  /** UTF-16 units of the whole text. */
  readonly chars: number;
  /** UTF-16 units that were looked at: all, or `SAMPLE_CHARS` of a longer text. */
  looked: number;
  words: number;
  /** Letters in words, digits not among them. */
  letters: number;
  /** Words of eight letters and more. */
  longWords: number;
  /** Words that begin with a capital letter. */
  capitals: number;
  /** Letters outside ASCII. */
  foreign: number;
  numbers: number;
  digits: number;
  lines: number;
  /** Lines that begin as an item of a list does: `-`, `*`, `1.`, `A)`. */
  items: number;
  sentences: number;
  questions: number;
  commas: number;
  quotes: number;
  /** Characters that programs are full of and prose is not. */
  codeMarks: number;
  /** Fences of three backticks. */
  fences: number;
  operators: number;
  /** Words by what they hint at, in the order of `hintKinds`. */
  readonly hints: Uint32Array;
}

/** How much of a text is looked at: its beginning, its middle and its end, a third each. */
export const SAMPLE_CHARS = 12_288;

const LETTER = 1;
const DIGIT = 2;
const CODE = 3;
const OPERATOR = 4;
const OTHER = 5;

const classes = new Uint8Array(128).fill(OTHER);
for (let code = 0; code < 26; code++) classes[97 + code] = classes[65 + code] = LETTER;
for (let code = 48; code < 58; code++) classes[code] = DIGIT;
for (const mark of "{}[];_`|@#&~\\") classes[mark.charCodeAt(0)] = CODE;
for (const mark of "+=<>^%*/$") classes[mark.charCodeAt(0)] = OPERATOR;

/** Counts what is in a text in one pass: linear in its length, and bounded by `SAMPLE_CHARS`. */
export function scanText(text: string): TextCounts {
  const counts = createCounts(text.length);
  if (text.length <= SAMPLE_CHARS) scanPart(text, 0, text.length, counts);
  else {
    const part = SAMPLE_CHARS / 3;
    const middle = (text.length - part) >> 1;
    scanPart(text, 0, part, counts);
    scanPart(text, middle, middle + part, counts);
    scanPart(text, text.length - part, text.length, counts);
  }
  return counts;
}

function createCounts(chars: number): TextCounts {
  return {
    chars,
    looked: 0,
    words: 0,
    letters: 0,
    longWords: 0,
    capitals: 0,
    foreign: 0,
    numbers: 0,
    digits: 0,
    lines: 1,
    items: 0,
    sentences: 0,
    questions: 0,
    commas: 0,
    quotes: 0,
    codeMarks: 0,
    fences: 0,
    operators: 0,
    hints: new Uint32Array(hintKinds.length),
  };
}

function scanPart(text: string, from: number, to: number, counts: TextCounts): void {
  counts.looked += to - from;
  let at = from;
  // Whether nothing but spaces stood on this line so far.
  let fresh = true;
  while (at < to) {
    const code = text.charCodeAt(at);
    const kind =
      code < 128
        ? classes[code]!
        : isLetter(code)
          ? LETTER
          : code === 0xd7 || code === 0xf7 || isMathSign(code)
            ? OPERATOR
            : OTHER;
    if (kind === LETTER) {
      const start = at;
      at = scanWord(text, at, to, counts);
      if (fresh && at - start === 1 && isItemEnd(text.charCodeAt(at))) counts.items++;
      fresh = false;
      continue;
    }
    if (kind === DIGIT) {
      at = scanNumber(text, at, to, counts);
      if (fresh && isItemEnd(text.charCodeAt(at))) counts.items++;
      fresh = false;
      continue;
    }
    at++;
    if (code === 32) continue;
    if (code === 10) {
      counts.lines++;
      fresh = true;
      continue;
    }
    if (kind === CODE) {
      counts.codeMarks++;
      if (code === 96 && text.charCodeAt(at) === 96 && text.charCodeAt(at + 1) === 96) {
        counts.fences++;
        at += 2;
      }
    } else if (kind === OPERATOR) counts.operators++;
    else if (code === 46 || code === 33 || code === 0x3002) counts.sentences++;
    else if (code === 63 || code === 0xff1f) counts.questions++;
    else if (code === 44) counts.commas++;
    else if (code === 34 || code === 0x201c) counts.quotes++;
    if (fresh && (code === 45 || code === 42 || code === 0x2022) && text.charCodeAt(at) === 32) counts.items++;
    fresh = false;
  }
}

/* Scripts without spaces between words are counted by letters: `foreign` and `letters` tell them from words. */
function scanWord(text: string, from: number, to: number, counts: TextCounts): number {
  let hash = HASH_START;
  let at = from;
  for (; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code < 128) {
      if (classes[code] !== LETTER) break;
      hash = Math.imul(hash ^ (code | 32), HASH_PRIME);
    } else {
      if (!isLetter(code)) break;
      counts.foreign++;
      hash = Math.imul(hash ^ code, HASH_PRIME);
    }
  }
  const length = at - from;
  const first = text.charCodeAt(from);
  if (first >= 65 && first <= 90) counts.capitals++;
  if (length >= 8) counts.longWords++;
  counts.words++;
  counts.letters += length;
  let bits = length > 1 ? hintsOf(hash) : 0;
  for (let kind = 0; bits !== 0; kind++, bits >>= 1) counts.hints[kind]! += bits & 1;
  return at;
}

/* `1,000.50` is one number. */
function scanNumber(text: string, from: number, to: number, counts: TextCounts): number {
  let at = from;
  for (; at < to; at++) {
    const code = text.charCodeAt(at);
    if (isDigit(code)) counts.digits++;
    else if ((code !== 44 && code !== 46) || !isDigit(text.charCodeAt(at + 1))) break;
  }
  counts.numbers++;
  return at;
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isItemEnd = (code: number): boolean => code === 46 || code === 41;
const isMathSign = (code: number): boolean => code >= 0x2200 && code <= 0x22ff;

/* Blocks of Unicode rather than its properties: a property needs a regular expression and a string for each character. */
function isLetter(code: number): boolean {
  return (
    (code >= 0xc0 && code < 0x2000 && code !== 0xd7 && code !== 0xf7) ||
    (code >= 0x3040 && code < 0xd800) ||
    (code >= 0xf900 && code < 0xfe00)
  );
}
