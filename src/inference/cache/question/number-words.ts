const SMALL =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const ORDINALS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(" ");
/** What words of counting and of order say: `three`, `third`, `twice`. */
export const numberWords: ReadonlyMap<string, number> = new Map<string, number>([
  ...SMALL.map((word, value) => [word, value] as const),
  ...TENS.map((word, index) => [word, (index + 2) * 10] as const),
  ...ORDINALS.map((word, value) => [word, value] as const),
  ["half", 0.5],
  ["quarter", 0.25],
  ["dozen", 12],
  ["twice", 2],
  ["thrice", 3],
  ["double", 2],
  ["triple", 3],
  ["both", 2],
]);

/** One spelling of a number, whether said in digits or as a word: `3` and `three`, or `3rd` and `third`. Any other word as it is. */
export function toDigits(plain: string): string {
  const number = plain === "one" ? undefined : numberWords.get(plain);
  if (number !== undefined) return ORDINALS.includes(plain) ? `${number}th` : String(number);
  return plain.replace(/^(\d+)(?:st|nd|rd)$/, "$1th");
}
