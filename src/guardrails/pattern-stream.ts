import { GatewayError } from "../core/errors.ts";
import { SearchedText } from "./pattern-search.ts";
import type { Pattern } from "./pattern-syntax.ts";

/** A pattern and what becomes of its matches: text in their place, or, undefined, the whole text is rejected. */
export type Rule = Pattern & { readonly instead: string | undefined };

/** How texts are treated. */
export interface Rules {
  readonly plain: readonly Rule[];
  /** For the inside of JSON strings. */
  readonly json: readonly Rule[];
  /** What is thrown at a match that rejects. */
  readonly rejection: () => GatewayError;
}

/* A pattern without a longest match that only rejects is looked for this far on a stream. */
const FARTHEST = 256;
/* Only text that has no width can make it more than the longest match. */
const MOST_HELD = 65_536;
/* What is kept of what has been shown: a pattern may look at the character before it, and others without width may stand between. */
const CONTEXT = 64;

/** One text that comes in pieces. What it gives out, put together, is the same however the text was cut. */
export class PatternStream {
  readonly #rules: readonly Rule[];
  readonly #rejection: Rules["rejection"];
  readonly #json: boolean;
  /* How much must follow a place until it is decided whether a match begins there, and where it ends. */
  readonly #reach: number;
  #pending = "";
  /* How much of `pending` has been shown already. */
  #shown = 0;

  /** `json`: the text is the inside of a JSON string. */
  constructor(rules: Rules, json: boolean) {
    this.#rules = json ? rules.json : rules.plain;
    this.#rejection = rules.rejection;
    this.#json = json;
    this.#reach = Math.max(...this.#rules.map(reachOf)) + 1;
  }

  /** All of a text at once. */
  whole(text: string): string {
    this.#pending = text;
    return this.end();
  }

  push(piece: string): string {
    this.#pending += piece;
    if (this.#reach === Infinity) return "";
    const out = this.#advance(false);
    if (this.held > MOST_HELD) throw tooMuchHeld();
    return out;
  }

  /** Characters that have come and are not shown. */
  get held(): number {
    return this.#pending.length - this.#shown;
  }

  end(): string {
    const out = this.#advance(true);
    this.#pending = "";
    this.#shown = 0;
    return out;
  }

  #advance(over: boolean): string {
    const pending = this.#pending;
    const searched = new SearchedText(pending, this.#json, this.#rules);
    const decided = over ? pending.length : wholeCharacters(pending, searched.tail(this.#reach));
    let out = "";
    while (this.#shown < decided) {
      const found = searched.first(this.#shown);
      if (found === undefined || found.start >= decided) {
        out += pending.slice(this.#shown, decided);
        this.#shown = decided;
        break;
      }
      const { instead } = found.pattern;
      if (instead === undefined) throw this.#rejection();
      out += pending.slice(this.#shown, found.start) + instead;
      this.#shown = found.end;
    }
    if (this.#shown > 2 * CONTEXT) {
      this.#pending = pending.slice(this.#shown - CONTEXT);
      this.#shown = CONTEXT;
    }
    return out;
  }
}

export const tooMuchHeld = () =>
  new GatewayError("denied", "This text holds more back than the guards here can check at once.");

const reachOf = ({ longest, buffer, instead }: Rule): number => {
  if (longest !== Infinity) return longest;
  return buffer && instead !== undefined ? Infinity : FARTHEST;
};

/* Half a character is none: nobody could show it. */
function wholeCharacters(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff ? Math.max(at - 1, 0) : at;
}

/** JSON that comes in pieces: each of its strings is a text for itself, and what stands between them stays as it is. */
export class JsonPatternStream {
  readonly #rules: Rules;
  #string: PatternStream | undefined;
  /* The last piece ended behind a backslash. */
  #escaped = false;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /** All of a text at once. */
  whole(text: string): string {
    return this.push(text) + this.end();
  }

  /** Characters that have come and are not shown. */
  get held(): number {
    return this.#string?.held ?? 0;
  }

  push(piece: string): string {
    let out = "";
    let from = 0;
    while (from < piece.length) {
      if (this.#string === undefined) {
        const quote = piece.indexOf('"', from);
        const end = quote === -1 ? piece.length : quote + 1;
        out += piece.slice(from, end);
        from = end;
        if (quote !== -1) this.#string = new PatternStream(this.#rules, true);
        continue;
      }
      const quote = this.#closing(piece, from);
      out += this.#string.push(piece.slice(from, quote));
      if (quote === piece.length) break;
      out += `${this.#string.end()}"`;
      this.#string = undefined;
      from = quote + 1;
    }
    return out;
  }

  end(): string {
    const out = this.#string?.end() ?? "";
    this.#string = undefined;
    this.#escaped = false;
    return out;
  }

  /* The quote that ends the string, or the end of the piece. */
  #closing(piece: string, from: number): number {
    let at = from;
    for (; at < piece.length; at++) {
      if (this.#escaped) this.#escaped = false;
      else if (piece[at] === "\\") this.#escaped = true;
      else if (piece[at] === '"') return at;
    }
    return at;
  }
}
