import { Repeat } from "./runaway-repeat.ts";

/* Kinds of prompts of one run or principal that are told apart at a time. */
const KINDS = 8;
const BUCKETS = 16;
/* Two prompts of a hundred words that differ in one are alike in 15 of 16 buckets more often than not. */
const ALIKE = 15;
const FEWEST_WORDS = 8;
/* Words further in are not looked at: 2 to 3 µs. */
const MOST_CHARACTERS = 2_048;
/* Prompts whose lengths differ by more are not alike: a counter, a time or an id is what may change. */
const LENGTH_SHARE = 0.01;
const LENGTH_LEAST = 8;

/** The smallest hash of the words in each of 16 buckets (one-permutation MinHash); undefined for a text too short to compare. */
export type Sketch = Uint32Array;

/** Words that hold a digit are all one word: attempts, times and ids are what changes in a loop. */
export function sketchOf(text: string): Sketch | undefined {
  const sketch = new Uint32Array(BUCKETS).fill(0xffffffff);
  const end = Math.min(text.length, MOST_CHARACTERS);
  let hash = 0x811c9dc5;
  let inWord = false;
  let hasDigit = false;
  let words = 0;
  for (let at = 0; at <= end; at++) {
    const code = at < end ? text.charCodeAt(at) : 32;
    // Letters, digits and everything beyond ASCII make words.
    const isDigit = code >= 48 && code <= 57;
    if (isDigit || code > 127 || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)) {
      inWord = true;
      hasDigit ||= isDigit;
      hash = Math.imul(hash ^ (code | 32), 0x01000193);
      continue;
    }
    if (!inWord) continue;
    words++;
    let word = hasDigit ? 0x23232323 : hash;
    word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
    word = (word ^ (word >>> 13)) >>> 0;
    const bucket = word & (BUCKETS - 1);
    if (word < (sketch[bucket] as number)) sketch[bucket] = word;
    inWord = false;
    hasDigit = false;
    hash = 0x811c9dc5;
  }
  return words < FEWEST_WORDS ? undefined : sketch;
}

export function areAlike(one: Sketch, other: Sketch): boolean {
  let alike = 0;
  for (let at = 0; at < BUCKETS; at++) if (one[at] === other[at]) alike++;
  return alike >= ALIKE;
}

interface Kind {
  readonly length: number;
  /** What the model decided just before: the same prompt after another step is progress. */
  readonly act: number;
  sketch: Sketch | undefined;
  repeat: Repeat | undefined;
}

/** The kinds of prompts of one run or principal. */
export class SimilarPrompts {
  readonly #limit: number;
  /** The one used last is the last. */
  readonly #kinds: Kind[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The kind a prompt belongs to, counted from its second prompt on; undefined: none yet. Sketches are made when lengths meet. */
  find(text: string, act: number, nowMs: number): Repeat | undefined {
    let sketch: Sketch | undefined;
    for (let at = this.#kinds.length - 1; at >= 0; at--) {
      const kind = this.#kinds[at] as Kind;
      if (kind.act !== act || Math.abs(kind.length - text.length) > Math.max(LENGTH_LEAST, text.length * LENGTH_SHARE))
        continue;
      sketch ??= sketchOf(text);
      if (sketch === undefined) return undefined;
      /* The first of its kind was not sketched, and its text is gone: the second stands for both. */
      const known = kind.sketch;
      kind.sketch ??= sketch;
      if (known !== undefined && !areAlike(known, sketch)) continue;
      this.#kinds.splice(at, 1);
      this.#kinds.push(kind);
      if (known === undefined) return undefined;
      return (kind.repeat ??= new Repeat(this.#limit, nowMs));
    }
    if (this.#kinds.length === KINDS) this.#kinds.shift();
    this.#kinds.push({ length: text.length, act, sketch, repeat: undefined });
    return undefined;
  }
}
