/** What follows a country's calling code: digits of the code, and the fewest and most digits of a national number. */
interface NationalDigits {
  readonly code: number;
  readonly least: number;
  readonly most: number;
}

/** Fewest and most digits of a national number by calling code, where they are known (ITU-T E.164 national numbering plans). */
// oxfmt-ignore
const plans: Readonly<Record<string, readonly [least: number, most: number]>> = {
  1: [10, 10], 7: [10, 10], 20: [8, 10], 27: [9, 9], 30: [10, 10], 31: [9, 9], 32: [8, 9], 33: [9, 9], 34: [9, 9], 36: [8, 9],
  39: [8, 11], 40: [9, 9], 41: [9, 9], 43: [7, 12], 44: [9, 10], 45: [8, 8], 46: [7, 9], 47: [8, 8], 48: [9, 9], 49: [6, 11],
  51: [8, 9], 52: [10, 10], 54: [10, 11], 55: [10, 11], 56: [9, 9], 57: [8, 10], 60: [8, 10], 61: [9, 9], 62: [8, 11], 63: [8, 10],
  64: [8, 10], 65: [8, 8], 66: [8, 9], 81: [9, 10], 82: [8, 10], 84: [9, 10], 86: [10, 11], 90: [10, 10], 91: [10, 10], 92: [9, 10],
  212: [9, 9], 234: [8, 10], 254: [9, 9], 351: [9, 9], 353: [7, 9], 358: [6, 11], 380: [9, 9], 420: [9, 9], 421: [9, 9],
  852: [8, 8], 886: [8, 9], 966: [9, 9], 971: [8, 9], 972: [8, 9],
};

/** Of a code that `plans` does not know: three digits of code, so that no number has more than 15. */
const unknown: NationalDigits = { code: 3, least: 5, most: 12 };

/** How long a number is whose digits, without sign or exit code, begin like this; undefined: no country's code begins so. */
export function nationalDigits(digits: string): NationalDigits | undefined {
  if (!/^[1-9]\d/.test(digits)) return undefined;
  for (const code of [1, 2, 3]) {
    const plan = plans[digits.slice(0, code)];
    if (plan !== undefined) return { code, least: plan[0], most: plan[1] };
  }
  return unknown;
}
