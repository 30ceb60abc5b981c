import { createHmac, hkdfSync } from "node:crypto";

/* Crockford's base 32 without the digits: no letter looks like a digit, and a digit between any two makes no words. */
const LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ";
const PAIRS = 10 * LETTERS.length;

/** Pairs of digit and letter that a code carries before its check pair: 31 bits. */
const LEAST_PAIRS = 4;
/** The most that a code is lengthened to. */
const MOST_PAIRS = 9;

/* Of these pairs, those up to here stem from the normalised value, so that spellings of one value begin alike. */
const SHARED_PAIRS = 3;

/** The key of a tenant's tokens: what one tenant sees says nothing of another's values (RFC 5869). */
export function deriveTokenKey(secret: Buffer, tenant: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "", `sallyport pii tokens v1\0${tenant}`, 32));
}

/** What a token stands for. */
export interface Masked {
  /** The word in the token, such as `EMAIL`. */
  readonly label: string;
  /** The value as it was written, to the letter. */
  readonly value: string;
  /** The value as all its spellings have it. */
  readonly normalised: string;
  /** It stood in a JSON text as a number, without quotes. */
  readonly bare?: true;
}

/**
 * The codes of a value, the shortest first: `7K2M9Q4R3T`. Each is a number of digit-letter pairs that end in a check pair, so that
 * a code with one character wrong is never another's. They depend on the key and the value alone.
 */
export function* codesOf(key: Buffer, { label, value, normalised, bare }: Masked): Generator<string> {
  const shared = digest(key, `${label}\0${normalised}`);
  const spelling = bare === true ? `${value}\0bare` : value;
  const own = spelling === normalised ? shared : digest(key, `${label}\0${normalised}\0${spelling}`);
  for (let pairs = LEAST_PAIRS; pairs <= MOST_PAIRS; pairs++) {
    let code = "";
    for (let index = 0; index < pairs; index++) {
      const source = index < SHARED_PAIRS ? shared : own;
      code += toPair(source.readUInt16BE(2 * index) % PAIRS);
    }
    yield code + checkPair(code);
  }
}

const digest = (key: Buffer, text: string) => createHmac("sha256", key).update(text).digest();

const toPair = (number: number) => `${number % 10}${LETTERS.charAt(Math.floor(number / 10))}`;

/** Weights without a factor in common with 10 or 22, the numbers of digits and letters: no single change leaves the sum as it is. */
const digitWeights = [1, 3, 7, 9] as const;
const letterWeights = [1, 3, 5, 7, 9] as const;

function checkPair(code: string): string {
  let digits = 0;
  let letters = 0;
  for (let index = 0; 2 * index < code.length; index++) {
    digits += Number(code.charAt(2 * index)) * (digitWeights[index % digitWeights.length] ?? 1);
    letters += LETTERS.indexOf(code.charAt(2 * index + 1)) * (letterWeights[index % letterWeights.length] ?? 1);
  }
  return `${digits % 10}${LETTERS.charAt(letters % LETTERS.length)}`;
}

/** Digit-letter pairs in a code, check pair included. */
export const CODE_MIN_PAIRS = LEAST_PAIRS + 1;
export const CODE_MAX_PAIRS = MOST_PAIRS + 1;

/** Whether code unit `code` may stand at `index` of a code, in either case. */
export function isCodeUnit(code: number, index: number): boolean {
  return index % 2 === 0 ? code >= 48 && code <= 57 : code < 128 && LETTERS.includes(String.fromCharCode(code & ~32));
}
