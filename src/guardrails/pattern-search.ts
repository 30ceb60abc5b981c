import { fold, isPlain } from "./fold.ts";
import type { Pattern } from "./pattern-syntax.ts";

/** A match in the original text. */
export interface Found<P extends Pattern> {
  readonly pattern: P;
  readonly start: number;
  readonly end: number;
}

/** A text that is searched once from front to back, as it was written and as a reader takes it. */
export class SearchedText<P extends Pattern> {
  readonly #length: number;
  readonly #readings: readonly Reading[];
  readonly #searches: readonly Search<P>[];

  /** `json`: the text is the inside of a JSON string, of which only what it stands for is searched. */
  constructor(text: string, json: boolean, patterns: readonly P[]) {
    this.#length = text.length;
    this.#readings = readingsOf(text, json);
    this.#searches = patterns.flatMap((pattern) => this.#readings.map((reading) => new Search(pattern, reading)));
  }

  /** The first match that begins at `from` or later; of several that begin there, that of the first pattern. `from` never decreases. */
  first(from: number): Found<P> | undefined {
    let first: Found<P> | undefined;
    for (const search of this.#searches) {
      const found = search.next(from);
      if (found !== undefined && (first === undefined || found.start < first.start)) first = found;
    }
    return first;
  }

  /** Where the last `length` characters begin, by any reading: whether a match begins before is decided whatever follows. */
  tail(length: number): number {
    return Math.min(...this.#readings.map((reading) => reading.at(reading.text.length - length)), this.#length);
  }
}

/** One way to take the text, with the way back. */
class Reading {
  readonly text: string;
  readonly #starts: readonly number[] | undefined;
  readonly #ends: readonly number[] | undefined;

  constructor(text: string, starts?: readonly number[], ends?: readonly number[]) {
    this.text = text;
    this.#starts = starts;
    this.#ends = ends;
  }

  /** Where a character of this reading begins in the original. */
  at(index: number): number {
    return index <= 0 ? 0 : (this.#starts?.[index] ?? index);
  }

  endAt(index: number): number {
    return this.#ends?.[index - 1] ?? index;
  }

  /** The first character of this reading that begins at `place` of the original or later. */
  indexOf(place: number): number {
    const starts = this.#starts;
    if (starts === undefined) return place;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function readingsOf(text: string, json: boolean): readonly Reading[] {
  const escaped = json && text.includes("\\");
  const readings: Reading[] = [];
  if (escaped) {
    const plain = fold(text, true, false);
    readings.push(new Reading(plain.text, plain.starts, plain.ends));
    if (isPlain(plain.text)) return readings;
  } else {
    readings.push(new Reading(text));
    if (isPlain(text)) return readings;
  }
  const folded = fold(text, escaped);
  readings.push(new Reading(folded.text, folded.starts, folded.ends));
  return readings;
}

/** One pattern on one reading. Its next match is remembered: a text with many matches of one pattern is not searched again for each by the others. */
class Search<P extends Pattern> {
  readonly #pattern: P;
  readonly #reading: Reading;
  #next: Found<P> | "none" | undefined;

  constructor(pattern: P, reading: Reading) {
    this.#pattern = pattern;
    this.#reading = reading;
  }

  next(from: number): Found<P> | undefined {
    if (this.#next === undefined || (this.#next !== "none" && this.#next.start < from)) this.#next = this.#search(from);
    return this.#next === "none" ? undefined : this.#next;
  }

  #search(from: number): Found<P> | "none" {
    const { search } = this.#pattern;
    search.lastIndex = this.#reading.indexOf(from);
    const match = search.exec(this.#reading.text);
    if (match === null || match[0] === "") return "none";
    const { index } = match;
    return {
      pattern: this.#pattern,
      start: this.#reading.at(index),
      end: this.#reading.endAt(index + match[0].length),
    };
  }
}
