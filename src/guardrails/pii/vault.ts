import { codesOf, type Masked } from "./token.ts";

/** More values are in no text that a person wrote; each costs a digest and is kept until the answer is over. */
export const MAX_VALUES = 10_000;

/** Thrown when one request holds more values than MAX_VALUES. */
export class TooManyValues extends Error {}

/** The values of one request and their tokens. Only what is in here can be put back into its answer. */
export class Vault {
  readonly #key: Buffer;
  readonly #tokens = new Map<string, string>();
  readonly #values = new Map<string, Masked>();
  readonly #sent = new Set<string>();
  #hasBare = false;

  constructor(key: Buffer) {
    this.#key = key;
  }

  get size(): number {
    return this.#values.size;
  }

  /** The token of a value: of the same value always the same, of two values never. */
  tokenOf(masked: Masked): string {
    const { label, value, normalised, bare } = masked;
    const name = `${label}\0${bare === true ? "bare" : ""}\0${value}`;
    const known = this.#tokens.get(name);
    if (known !== undefined) return known;
    if (this.#values.size >= MAX_VALUES) throw new TooManyValues(`more than ${MAX_VALUES} values in one request`);
    for (const code of codesOf(this.#key, masked)) {
      const core = `${label}_${code}`;
      if (this.#values.has(core)) continue;
      const token = `[${core}]`;
      this.#values.set(core, masked);
      this.#tokens.set(name, token);
      if (bare === true) this.#hasBare = true;
      this.#sent.add(`${label}\0${normalised}`);
      return token;
    }
    throw new Error("no code is left for a value");
  }

  /** Whether some value was a number of a JSON text. */
  get hasBare(): boolean {
    return this.#hasBare;
  }

  /** What stands behind a token of this request, label and code in capitals: undefined for any other. */
  find(label: string, code: string): Masked | undefined {
    return this.#values.get(`${label}_${code}`);
  }

  /** Whether the request had this value, in any spelling. */
  has(label: string, normalised: string): boolean {
    return this.#sent.has(`${label}\0${normalised}`);
  }
}
