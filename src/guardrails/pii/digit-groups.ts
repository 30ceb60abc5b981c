/** Runs of digits in a text, in order, and what stands between them. */
export interface DigitGroups {
  readonly text: string;
  readonly count: number;
  start(index: number): number;
  end(index: number): number;
  length(index: number): number;
  /** The digits of groups `first` to before `end`, joined. */
  digits(first: number, end: number): string;
  /**
   * What stands before group `index` and after the one before it, up to three characters of separators, with every space and dash in
   * its plain form; undefined when it is longer or anything else.
   */
  gap(index: number): string | undefined;
}

const SEPARATORS_MAX = 3;
/** A group of more digits is no part of any value. */
export const GROUP_MAX = 24;
/** The most groups one value is written in: `+49 (0) 30 12 34 56 78` has eight. */
export const GROUPS_MAX = 9;

const toPlain = (text: string) => text.replace(/[\u00a0\u2007\u2009\u202f]/g, " ").replace(/[\u2010-\u2013]/g, "-");

export function readDigitGroups(text: string): DigitGroups {
  const bounds: number[] = [];
  const length = text.length;
  digitRun.lastIndex = 0;
  for (let match = digitRun.exec(text); match !== null; match = digitRun.exec(text))
    bounds.push(match.index, digitRun.lastIndex);
  const start = (index: number) => bounds[2 * index] ?? length;
  const end = (index: number) => bounds[2 * index + 1] ?? length;
  return {
    text,
    count: bounds.length / 2,
    start,
    end,
    length: (index) => end(index) - start(index),
    digits(first, last) {
      let digits = "";
      for (let index = first; index < last; index++) digits += text.slice(start(index), end(index));
      return digits;
    },
    gap(index) {
      const [from, to] = [end(index - 1), start(index)];
      if (index === 0 || to - from > SEPARATORS_MAX) return undefined;
      let plain = true;
      for (let at = from; at < to; at++) {
        const code = text.charCodeAt(at);
        if (isSeparator(code)) continue;
        if (!isOddSeparator(code)) return undefined;
        plain = false;
      }
      return plain ? text.slice(from, to) : toPlain(text.slice(from, to));
    },
  };
}

/**
 * Where values of digits may still grow when the text goes on: the first of the last few groups of the run that reaches the text's
 * end, with the sign or bracket before it; the text's length when there is none.
 */
export function openDigits(groups: DigitGroups): number {
  const { text, count } = groups;
  const rest = toPlain(text.slice(Math.max(0, text.length - SEPARATORS_MAX)));
  const tail = text.length - (/[ \-./()+]*_?$/.exec(rest)?.[0].length ?? 0);
  const last = count - 1;
  if (count === 0 || groups.end(last) < tail || groups.length(last) > GROUP_MAX)
    return beforeSign(text, tail < text.length ? text.length - (/[+(]*$/.exec(rest)?.[0].length ?? 0) : text.length);
  let first = last;
  while (
    first > 0 &&
    last - first < GROUPS_MAX &&
    groups.gap(first) !== undefined &&
    groups.length(first - 1) <= GROUP_MAX
  )
    first--;
  return beforeSign(text, groups.start(first));
}

/** Takes in `+` and `(` right before `index`. */
function beforeSign(text: string, index: number): number {
  let start = index;
  while (start > 0 && index - start < 2 && (text.charAt(start - 1) === "+" || text.charAt(start - 1) === "(")) start--;
  return start;
}

/* Space ( ) - . / */
const isSeparator = (code: number) => code === 32 || code === 40 || code === 41 || (code >= 45 && code <= 47);
/* No-break, figure, thin and narrow spaces; hyphens and dashes. */
const isOddSeparator = (code: number) =>
  code === 0xa0 || code === 0x2007 || code === 0x2009 || code === 0x202f || (code >= 0x2010 && code <= 0x2013);
/* Most of a text is no digit: this finds the next one several times faster than a loop over code units. */
const digitRun = /[0-9]+/g;
