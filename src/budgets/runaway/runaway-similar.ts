import { Repeat } from "./runaway-repeat.ts";

/* Kinds of prompts of one run or principal that are told apart at a time. */
const KINDS = 12;
const BUCKETS = 16;
/* Two prompts of a hundred words that differ in one are alike in 15 of 16 buckets more often than not. */
const ALIKE = 15;
const FEWEST_WORDS = 8;
/* Of a longer text a third of that is looked at where it begins, in its middle and where it ends: 2 to 3 µs. */
const MOST_CHARACTERS = 2_048;
/* Characters at either end by which prompts are told apart before they are read: what changes in a loop is seldom at both. */
const EDGE_CHARACTERS = 20;
/* Prompts whose lengths differ by more are not alike: a counter, a time or an id is what may change. */
const LENGTH_SHARE = 0.01;
const LENGTH_LEAST = 8;

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/** Letters, digits and everything beyond ASCII make words. */
const isWord = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || isDigit(code) || code > 127;

/* Words that hold a digit are all one word: attempts, times and ids are what changes in a loop. */
const NUMBERED = 0x23232323;

/** A hash of how a text begins, or with -1 of how it ends; a number, however long, is one character of it. */
function edgeOf(text: string, step: 1 | -1): number {
  const { length } = text;
  let at = step === 1 ? 0 : length - 1;
  let edge = 0x811c9dc5 | 0;
  let inNumber = false;
  for (let left = EDGE_CHARACTERS; left > 0 && at >= 0 && at < length; at += step) {
    const code = text.charCodeAt(at);
    if (isDigit(code)) {
      if (inNumber) continue;
      inNumber = true;
      edge = Math.imul(edge ^ NUMBERED, 0x01000193);
    } else {
      inNumber = false;
      edge = Math.imul(edge ^ (code | 32), 0x01000193);
    }
    left--;
  }
  return edge;
}

/** The smallest hash of the words in each of 16 buckets (one-permutation MinHash); undefined for a text too short to compare. */
export type Sketch = Int32Array;

export function sketchOf(text: string): Sketch | undefined {
  const sketch = new Int32Array(BUCKETS).fill(0x7fffffff);
  const { length } = text;
  if (length <= MOST_CHARACTERS) return addWords(sketch, text, 0, length) < FEWEST_WORDS ? undefined : sketch;
  const part = Math.floor(MOST_CHARACTERS / 3);
  let words = 0;
  /* Instructions are most often the same in every prompt of a batch: what they are given stands at one end, or between. */
  for (const from of [0, (length - part) >> 1, length - part]) words += addWords(sketch, text, from, from + part);
  return words < FEWEST_WORDS ? undefined : sketch;
}

/** Takes the words of a part of a text into the sketch, and counts them. */
function addWords(sketch: Sketch, text: string, from: number, end: number): number {
  let words = 0;
  let at = from;
  while (at < end) {
    let code = text.charCodeAt(at++) | 0;
    if (!isWord(code)) continue;
    let hash = 0x811c9dc5 | 0;
    let numbered = false;
    do {
      numbered ||= isDigit(code);
      hash = Math.imul(hash ^ (code | 32), 0x01000193);
      if (at === end) break;
      code = text.charCodeAt(at++);
    } while (isWord(code));
    const spread = numbered ? NUMBERED : hash;
    const mixed = Math.imul(spread ^ (spread >>> 16), 0x85ebca6b);
    const word = mixed ^ (mixed >>> 13);
    const bucket = word & (BUCKETS - 1);
    if (word < (sketch[bucket] as number)) sketch[bucket] = word;
    words++;
  }
  return words;
}

export function areAlike(one: Sketch, other: Sketch): boolean {
  let alike = 0;
  for (let at = 0; at < BUCKETS; at++) if (one[at] === other[at]) alike++;
  return alike >= ALIKE;
}

/** What of a prompt is looked at first: it costs next to nothing, and most prompts are not looked at further. */
export interface Glance {
  readonly text: string;
  readonly head: number;
  readonly tail: number;
}

export const glanceAt = (text: string): Glance => ({ text, head: edgeOf(text, 1), tail: edgeOf(text, -1) });

/** 53 bits of it and of how many messages there are: equal ones say that the messages may be equal. */
export function sampleOfPrompt({ text, head, tail }: Glance, messages: number): number {
  const rest = tail ^ Math.imul(text.length, 0x9e3779b1) ^ Math.imul(messages, 0x85ebca6b);
  return (head >>> 0) * 2 ** 21 + (rest >>> 11);
}

interface Kind {
  readonly target: string;
  readonly length: number;
  readonly head: number;
  readonly tail: number;
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

  /** The kind a prompt belongs to, counted from its second prompt on; undefined: none yet. Sketches are made when lengths and an edge meet. */
  find(target: string, { text, head, tail }: Glance, act: number, nowMs: number): Repeat | undefined {
    const { length } = text;
    let sketch: Sketch | undefined;
    for (let at = this.#kinds.length - 1; at >= 0; at--) {
      const kind = this.#kinds[at] as Kind;
      if (kind.act !== act || kind.target !== target || (kind.head !== head && kind.tail !== tail)) continue;
      if (Math.abs(kind.length - length) > Math.max(LENGTH_LEAST, length * LENGTH_SHARE)) continue;
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
    this.#kinds.push({ target, length, head, tail, act, sketch, repeat: undefined });
    return undefined;
  }
}
