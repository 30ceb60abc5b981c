import type { Detector, Findings, Scan } from "./detector.ts";
import { type DigitGroups, GROUPS_MAX } from "./digit-groups.ts";
import { isWordAt, isWordBefore } from "./words.ts";

/* Likeliest first: the 16 digits of a card followed by a year must not be read as 19 or 20. */
const lengths = [16, 15, 14, 19, 18, 17, 13, 12] as const;

/**
 * Lengths by leading digits (ISO/IEC 7812 and the schemes' own tables): one number in ten passes Luhn, and this keeps timestamps,
 * ISBNs and article numbers out.
 */
const leads: readonly (readonly [lead: RegExp, lengths: readonly number[]])[] = [
  [/^4/, [13, 16, 19]],
  [/^3[47]/, [15]],
  [/^3[0689]/, [14, 15, 16, 17, 18, 19]],
  [/^35/, [16, 17, 18, 19]],
  [/^2/, [16]],
  [/^5/, [13, 14, 15, 16, 17, 18, 19]],
  [/^6/, [13, 14, 15, 16, 17, 18, 19]],
  [/^8/, [16]],
  [/^(?:1|2131)/, [15]],
];

/* Where the text calls it a card, Luhn is enough; some have twelve digits. */
const named = /(?:card|\bcc\b|credit|debit|maestro|tarjeta|karte|carte)[^0-9]{0,20}$/i;
const NAMED_CHARS = 40;

function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = digits.length - 1, double = false; index >= 0; index--, double = !double) {
    const digit = digits.charCodeAt(index) - 48;
    sum += double ? (digit > 4 ? 2 * digit - 9 : 2 * digit) : digit;
  }
  return sum % 10 === 0;
}

const isIssued = (digits: string) =>
  leads.some(([lead, allowed]) => allowed.includes(digits.length) && lead.test(digits));

/* 4-4-4-4, 4-6-5, 4-4-4-4-3, 6-13, 8-8: numbers of a table in a row are grouped otherwise. */
const isFirstGroup = (length: number) => length === 4 || length === 6 || length === 8;
const isMiddleGroup = (length: number) => length >= 4 && length <= 6;

/** The group after the last of the card that begins with group `first`; undefined when none does. */
function cardEnd(groups: DigitGroups, first: number): number | undefined {
  let total = groups.length(first);
  if (total < 12 && !(isFirstGroup(total) && groups.gap(first + 1) !== undefined)) return undefined;
  const ends = new Map<number, number>();
  ends.set(total, first + 1);
  const most = Math.min(groups.count, first + GROUPS_MAX);
  for (let next = first + 1; next < most && isFirstGroup(groups.length(first)); next++) {
    const gap = groups.gap(next);
    if ((gap !== " " && gap !== "-") || (next - 1 > first && !isMiddleGroup(groups.length(next - 1)))) break;
    total += groups.length(next);
    if (total > 19) break;
    ends.set(total, next + 1);
  }
  for (const length of lengths) {
    const end = ends.get(length);
    if (end === undefined || !isWhole(groups, end)) continue;
    const digits = groups.digits(first, end);
    if (passesLuhn(digits) && (isIssued(digits) || isNamed(groups, first))) return end;
  }
  return undefined;
}

function isNamed({ text, start: startOf }: DigitGroups, first: number): boolean {
  const start = startOf(first);
  return named.test(text.slice(Math.max(0, start - NAMED_CHARS), start));
}

/** Whether a number ends with the group before `end`: it is no decimal, and no letter follows. */
function isWhole({ text, end: endOf, gap, count }: DigitGroups, end: number): boolean {
  return !isWordAt(text, endOf(end - 1)) && !(end < count && gap(end) === ".");
}

function find({ text, from, digits }: Scan, { found }: Findings): void {
  const groups = digits();
  for (let index = 0; index < groups.count; index++) {
    const start = groups.start(index);
    if (start < from || isWordBefore(text, start) || groups.gap(index) === ".") continue;
    const end = cardEnd(groups, index);
    if (end === undefined) continue;
    found(start, groups.end(end - 1));
    index = end - 1;
  }
}

export const card: Detector = { kind: "card", find, normalise: (value) => value.replace(/\D/g, "") };
