/** What the longest match of a pattern depends on cannot be told; the message says what to leave out. */
export class UnsupportedPattern extends Error {}

/**
 * The most characters (UTF-16 code units) that a JavaScript pattern without the `u` flag can match; Infinity where it has no bound.
 * The pattern compiles. Throws UnsupportedPattern for what looks beyond its match or back at it.
 */
export function longestMatch(source: string): number {
  const reader = new Reader(source);
  return reader.alternatives();
}

const QUANTIFIER = /^(?:[*+?]|\{(\d+)(,(\d*))?\})/;
/* Escapes of more than one letter that stand for one character. */
const ESCAPE = /^\\(?:x[\da-f]{2}|u[\da-f]{4}|c[a-z]|0)/i;

class Reader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** Up to the end of the group or of the pattern. */
  alternatives(): number {
    let longest = 0;
    let length = 0;
    while (this.#at < this.#source.length && this.#source[this.#at] !== ")") {
      if (this.#source[this.#at] !== "|") {
        length += this.#term();
        continue;
      }
      this.#at++;
      longest = Math.max(longest, length);
      length = 0;
    }
    return Math.max(longest, length);
  }

  #term(): number {
    const length = this.#atom();
    const quantifier = QUANTIFIER.exec(this.#source.slice(this.#at));
    if (quantifier === null) return length;
    this.#at += quantifier[0].length;
    if (this.#source[this.#at] === "?") this.#at++;
    return length === 0 ? 0 : length * mostTimes(quantifier);
  }

  #atom(): number {
    const rest = this.#source.slice(this.#at);
    const first = rest[0];
    if (first === "^" || first === "$") return this.#take(1, 0);
    if (first === "(") return this.#group(rest);
    if (first === "[") return this.#take(classLength(rest), 1);
    if (first !== "\\") return this.#take(1, 1);
    if (/^\\b/i.test(rest)) return this.#take(2, 0);
    if (/^\\[1-9k]/.test(rest)) throw new UnsupportedPattern("it refers back to a group (\\1)");
    return this.#take(ESCAPE.exec(rest)?.[0].length ?? 2, 1);
  }

  #group(rest: string): number {
    if (/^\(\?<?[=!]/.test(rest)) throw new UnsupportedPattern("it looks ahead or behind ((?= (?! (?<= (?<!)");
    this.#at += /^\((?:\?(?:<[^>]*>|[a-z-]*:))?/i.exec(rest)?.[0].length ?? 1;
    const length = this.alternatives();
    this.#at++;
    return length;
  }

  #take(characters: number, length: number): number {
    this.#at += characters;
    return length;
  }
}

function mostTimes([text, least, comma, most]: RegExpExecArray): number {
  if (text === "?") return 1;
  if (least === undefined) return Infinity;
  if (comma === undefined) return Number(least);
  return most === "" ? Infinity : Number(most);
}

function classLength(rest: string): number {
  let at = 1;
  while (at < rest.length && rest[at] !== "]") at += rest[at] === "\\" ? 2 : 1;
  return at + 1;
}
