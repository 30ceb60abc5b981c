import { numberWords as values } from "../question/number-words.ts";
import type { Question } from "../question/question.ts";
import { type SameGuard, contradiction, differenceOf, unsaid } from "./guard.ts";

const scales = new Map([
  ["hundred", 100],
  ["thousand", 1_000],
  ["million", 1e6],
  ["billion", 1e9],
  ["trillion", 1e12],
]);

/* `which one`, `the largest one`: a pronoun far more often than a count. */
const UNCOUNTED = new Set(["one", "zeroth"]);

const DIGITS = /(?<![\w.])[-−](?=\d)|\d[\d,]*(?:\.\d+)*/g;

/* As text: a number of JavaScript makes one of two long numbers that differ in their last digit. */
function toOneSpelling(digits: string): string {
  const whole = digits.replace(/^0+(?=\d)/, "");
  const [before = "", fraction, ...more] = whole.split(".");
  if (fraction === undefined || more.length > 0) return whole;
  const shorter = fraction.replace(/0{1,20}$/, "");
  return shorter === "" ? before : `${before}.${shorter}`;
}

/* Where it stands, and what it is. */
type Placed = readonly [at: number, number: string];

function* digitNumbers(text: string): Generator<Placed> {
  let sign = "";
  for (const { 0: found, index } of text.matchAll(DIGITS)) {
    if (found === "-" || found === "−") {
      sign = "-";
      continue;
    }
    yield [index, `${sign}${toOneSpelling(found.replaceAll(",", ""))}`];
    sign = "";
  }
}

/* `twenty-one`, `two hundred thousand`: words that follow one another are one number. */
function* wordNumbers(text: string): Generator<Placed> {
  let run: number | undefined;
  let from = 0;
  for (const { 0: word, index } of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) {
    const value = UNCOUNTED.has(word) && (run === undefined || run % 10 !== 0) ? undefined : values.get(word);
    const scale = scales.get(word);
    if (value !== undefined) {
      const joins = run !== undefined && run >= 20 && run % 10 === 0 && value < (run >= 100 ? 100 : 10);
      if (run !== undefined && !joins) yield [from, String(run)];
      if (!joins) from = index;
      run = joins ? (run ?? 0) + value : value;
    } else if (scale !== undefined) {
      if (run === undefined) from = index;
      run = (run ?? 1) * scale;
    } else if (run !== undefined && !(word === "and" && run >= 100)) {
      yield [from, String(run)];
      run = undefined;
    }
  }
  if (run !== undefined) yield [from, String(run)];
}

const ROMAN = /^(?:X{0,3})(?:IX|IV|V?I{0,3})$/;
const ROMAN_VALUES: Readonly<Record<string, number>> = { I: 1, V: 5, X: 10 };

/* From two letters on: one capital alone is the pronoun, a variable or an initial; `V` and `X` differ as names do. */
function romanValue(written: string): number | undefined {
  if (written.length < 2 || !ROMAN.test(written)) return undefined;
  const digits = written.split("").map((letter) => ROMAN_VALUES[letter] ?? 0);
  return digits.reduce((sum, digit, at) => sum + (digit < (digits[at + 1] ?? 0) ? -digit : digit), 0);
}

/** Every number that a question says, in digits, words or Roman numerals, each as one spelling, in their order. */
export function numbersOf({ text, words }: Question): readonly string[] {
  const roman = words.flatMap(({ written, at }): readonly Placed[] => {
    const value = romanValue(written);
    return value === undefined ? [] : [[at, String(value)]];
  });
  return [...digitNumbers(text), ...wordNumbers(text), ...roman]
    .toSorted(([one], [other]) => one - other)
    .map(([, number]) => number);
}

/* `of 18 and 48`: two of a list, where no word gives them an order. */
const LISTED = /\d\s*(?:,|and|or)\s*-?\d/i;
const ORDERED =
  /[-–/^%]\s*\d|\b(?:from|to|by|than|minus|divided?|subtract|less|ratio|power|percent|first|then|between|before|after)\b/i;
const isListed = (text: string): boolean => LISTED.test(text) && !ORDERED.test(text);

/* Beyond a dozen no number is a manner of speaking, as in `the first day`: a year, an amount, a limit. */
const DOZEN = 12;
const saysMuch = (left: readonly string[], right: readonly string[]): boolean =>
  [...left.filter((number) => !right.includes(number)), ...right.filter((number) => !left.includes(number))].some(
    (number) => Math.abs(Number(number)) > DOZEN,
  );

/** Other numbers, or the same ones in another order: `subtract 7 from 20`. */
export const numbers: SameGuard = {
  name: "numbers",
  differs(asked, stored) {
    const left = numbersOf(asked);
    const right = numbersOf(stored);
    const difference = differenceOf(left, right, "they say different numbers");
    if (difference !== undefined) return saysMuch(left, right) ? contradiction(difference.because) : difference;
    if (left.every((number, at) => number === right[at])) return undefined;
    return isListed(asked.text) && isListed(stored.text)
      ? undefined
      : unsaid("they say the same numbers in another order");
  },
};
