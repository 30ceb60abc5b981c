import type { Detector, Findings, Scan } from "./detector.ts";
import { type DigitGroups, GROUPS_MAX } from "./digit-groups.ts";
import { nationalDigits } from "./calling-codes.ts";
import { isWordAt, isWordBefore } from "./words.ts";

/* A number without a country's code, a trunk prefix or a known shape is a telephone number only where the text says so. */
const named =
  /(?:phone|telefon|tel[eé]fono|mobile?|móvil|handy|\bfax|whatsapp|\bsms|answering|messages? to|\b(?:tel|cell|ring|desk|call(?:ed|ing|back|s)?|dial(?:l?ed|l?ing)?|reach(?:ed|ing)?)(?!\p{L}|_(?:id|at)))(?:[^0-9]{0,16}|[^0-9]{0,8}\bat [^0-9]{0,4})$/iu;
const NAMED_CHARS = 32;

/** The group after the last of the number that begins with group `first`; undefined when none does. */
type Form = (groups: DigitGroups, first: number) => number | undefined;

/** The longest row of groups from `first` that has from `least` to `most` digits and can end there. */
function longestRow(groups: DigitGroups, first: number, least: number, most: number): number | undefined {
  let total = 0;
  let end: number | undefined;
  for (let index = first; index < groups.count && index - first < GROUPS_MAX; index++) {
    if (index > first && groups.gap(index) === undefined) break;
    total += groups.length(index);
    if (total > most) break;
    if (total >= least && canEnd(groups, index + 1)) end = index + 1;
  }
  return end;
}

const charBefore = (groups: DigitGroups, index: number) => groups.text.charAt(groups.start(index) - 1);
const charAfter = (groups: DigitGroups, index: number) => groups.text.charAt(groups.end(index));

/** `+44 20 7946 0958`, `+44 (0)20 …`, `0044 20 …`, `001-415-…`: ITU-T E.164, at most 15 digits. */
const international: Form = (groups, first) => {
  const plus = charBefore(groups, first) === "+" || groups.text.startsWith("+(", groups.start(first) - 2);
  const digits = groups.digits(first, Math.min(groups.count, first + 3));
  const exit = plus ? "" : (/^(?:00|011)(?=[1-9])/.exec(digits)?.[0] ?? "");
  if (!plus && exit === "") return undefined;
  const national = nationalDigits(digits.slice(exit.length));
  if (national === undefined) return undefined;
  const before = exit.length + national.code;
  const trunk = groups.text.slice(groups.start(first), groups.start(first) + 10).includes("(0)") ? 1 : 0;
  return longestRow(groups, first, before + trunk + national.least, before + trunk + national.most);
};

/** `(415) 555-0123`, `415-555-0123`, `415.555.0123`, `415 555 0123`, any of them after `1`: the North American plan. */
const northAmerican: Form = (groups, given) => {
  const { count, length, digits, gap } = groups;
  const first =
    digits(given, given + 1) === "1" && given + 1 < count && gap(given + 1) !== undefined ? given + 1 : given;
  if (first + 2 >= count || length(first) !== 3 || length(first + 1) !== 3 || length(first + 2) !== 4) return undefined;
  if (!/^[2-9]\d{2}[2-9]/.test(digits(first, first + 2))) return undefined;
  const [inner = "", last = ""] = [gap(first + 1), gap(first + 2)];
  const bracketed = charBefore(groups, first) === "(";
  if (bracketed ? !/^\)[ -]?$/.test(inner) || !/^[-. ]$/.test(last) : !/^[-. ]$/.test(inner)) return undefined;
  return bracketed || inner === last || (inner === " " && last === "-") ? first + 3 : undefined;
};

/** `020 7946 0958`, `06 12 34 56 78`, `089 / 1234567`, `07911123456`: a trunk prefix and the digits most plans have. */
const trunk: Form = (groups, first) => {
  if (!/^0[1-9]/.test(groups.digits(first, Math.min(first + 2, groups.count))) || isDate(groups, first))
    return undefined;
  const length = groups.length(first);
  if (length >= 10) return length <= 11 ? first + 1 : undefined;
  const pairs = length === 2 && groups.length(first + 1) === 2;
  const end = longestRow(groups, first, 9, pairs ? 10 : 11);
  return end !== undefined && end > first + 1 ? end : undefined;
};

/** `(11) 91234-5678`: an area in brackets; `138 1234 5678` and `612 34 56 78`: mobile numbers of China and Spain. */
const shaped: Form = (groups, first) => {
  if (charBefore(groups, first) === "(" && charAfter(groups, first) === ")") {
    const length = groups.length(first);
    if (length < 2 || length > 5 || /^(?:19|20)\d\d$/.test(groups.digits(first, first + 1))) return undefined;
    const end = longestRow(groups, first, 8, 11);
    return end !== undefined && end > first + 1 ? end : undefined;
  }
  const end = /^1[3-9]\d$/.test(groups.digits(first, first + 1)) ? first + 3 : first + 4;
  if (end > groups.count) return undefined;
  let row = groups.digits(first, first + 1);
  for (let index = first + 1; index < end; index++)
    row += `${groups.gap(index) ?? "?"}${groups.digits(index, index + 1)}`;
  return /^(?:1[3-9]\d \d{4} \d{4}|[67]\d\d \d\d \d\d \d\d)$/.test(row) ? end : undefined;
};

/** Any 7 to 13 digits after a word such as `phone` or `call`. */
const afterName: Form = (groups, first) => {
  const start = groups.start(first);
  if (isDate(groups, first)) return undefined;
  const end = longestRow(groups, first, 7, 13);
  if (end === undefined) return undefined;
  return named.test(groups.text.slice(Math.max(0, start - NAMED_CHARS), start)) ? end : undefined;
};

const forms: readonly Form[] = [international, northAmerican, trunk, shaped, afterName];

/** `23.11.2026`, `2026-11-23`, `11/23/2026`: three groups that make a date. */
function isDate(groups: DigitGroups, first: number): boolean {
  const gap = groups.gap(first + 1);
  if (first + 2 >= groups.count || gap === undefined || !/^[-./ ]$/.test(gap) || groups.gap(first + 2) !== gap)
    return false;
  const row = [first, first + 1, first + 2].map((index) => groups.digits(index, index + 1)).join("-");
  return /^(?:\d\d?-\d\d?-(?:19|20)\d\d|(?:19|20)\d\d-\d\d?-\d\d?)$/.test(row);
}

/** `0.1195…`, whose digits would be a trunk prefix or an exit code and what follows it. */
const isFraction = (groups: DigitGroups, first: number) =>
  groups.gap(first + 1) === "." && groups.digits(first, first + 1) === "0";

/** Where the number that begins with group `first` begins: at its sign or bracket. */
function startOf(groups: DigitGroups, first: number): number {
  const start = groups.start(first);
  const before = groups.text.slice(Math.max(0, start - 2), start);
  if (before.endsWith("+(")) return start - 2;
  return before.endsWith("+") || (before.endsWith("(") && /^\d+ ?\)/.test(groups.text.slice(start, start + 8)))
    ? start - 1
    : start;
}

function find({ text, from, digits }: Scan, { found, open }: Findings): void {
  const groups = digits();
  for (let index = 0; index < groups.count; index++) {
    if (!hasDigits(groups, index, LEAST_DIGITS) || isFraction(groups, index)) continue;
    const start = startOf(groups, index);
    /* A sign or bracket begins a number after a letter too. */
    const inWord = start === groups.start(index) && isWordBefore(text, start);
    if (start < from || inWord || isJoined(groups.gap(index))) continue;
    const end = phoneEnd(groups, index);
    if (end === undefined) continue;
    const last = groups.end(end - 1);
    if (extensionBegun.test(text.slice(last, last + EXTENSION_CHARS))) open(start);
    found(start, last + extensionLength(text, last));
    index = end - 1;
  }
}

/** No number has fewer: most digits of a text stand in shorter rows, and end here. */
const LEAST_DIGITS = 7;

function hasDigits(groups: DigitGroups, first: number, least: number): boolean {
  let total = groups.length(first);
  for (let index = first + 1; total < least && index < groups.count && index - first < GROUPS_MAX; index++) {
    if (groups.gap(index) === undefined) return false;
    total += groups.length(index);
  }
  return total >= least;
}

/* `415-555-0123x42` */
const extension = /x\d{1,6}(?!\w)/iy;
const extensionBegun = /^x\d{0,6}_?$/i;
const EXTENSION_CHARS = 9;

function extensionLength(text: string, index: number): number {
  extension.lastIndex = index;
  return extension.exec(text)?.[0].length ?? 0;
}

function phoneEnd(groups: DigitGroups, first: number): number | undefined {
  for (const form of forms) {
    const end = form(groups, first);
    if (end !== undefined && canEnd(groups, end)) return end;
  }
  return undefined;
}

/** Whether a number may end before group `end`: no letter follows, and no digits that belong to it. */
function canEnd(groups: DigitGroups, end: number): boolean {
  const last = groups.end(end - 1);
  if (end < groups.count && isJoined(groups.gap(end))) return false;
  return (
    !isWordAt(groups.text, last) ||
    extensionBegun.test(groups.text.slice(last, last + EXTENSION_CHARS)) ||
    extensionLength(groups.text, last) > 0
  );
}

/** Whether a group is joined to the one before it, so that they are one longer number. */
const isJoined = (gap: string | undefined) => gap === "-" || gap === "." || gap === "/";

export const phone: Detector = {
  kind: "phone",
  find,
  normalise: (value) => value.replace(/[^\d+]/g, "").replace(/^00(?=[1-9])/, "+"),
};
