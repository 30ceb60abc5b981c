import type { Detector, Findings, Scan } from "./detector.ts";
import type { DigitGroups } from "./digit-groups.ts";
import { isWordAt, isWordBefore } from "./words.ts";

/** What the Social Security Administration has never given out: areas 000, 666 and 900 up, group 00, serial 0000. */
const isGiven = (digits: string) => /^(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4}$/.test(digits);

const named = /(?:\bssn|social[ -]?security)[^0-9]{0,24}$/i;
const NAMED_CHARS = 48;

/** The group after the last of the number that begins with group `first`; undefined when none does. */
function ssnEnd(groups: DigitGroups, first: number): number | undefined {
  const start = groups.start(first);
  if (groups.length(first) === 9)
    return named.test(groups.text.slice(Math.max(0, start - NAMED_CHARS), start)) ? first + 1 : undefined;
  if (first + 2 >= groups.count) return undefined;
  if (groups.length(first) !== 3 || groups.length(first + 1) !== 2 || groups.length(first + 2) !== 4) return undefined;
  const gap = groups.gap(first + 1);
  return (gap === "-" || gap === " ") && groups.gap(first + 2) === gap ? first + 3 : undefined;
}

function find({ text, from, digits }: Scan, { found }: Findings): void {
  const groups = digits();
  for (let index = 0; index < groups.count; index++) {
    const start = groups.start(index);
    if (start < from || isWordBefore(text, start) || isJoined(groups.gap(index))) continue;
    const end = ssnEnd(groups, index);
    if (end === undefined || !isGiven(groups.digits(index, end))) continue;
    if (isWordAt(text, groups.end(end - 1)) || (end < groups.count && isJoined(groups.gap(end)))) continue;
    found(start, groups.end(end - 1));
    index = end - 1;
  }
}

/** Whether a group is joined to the one before it, so that they are one longer number. */
const isJoined = (gap: string | undefined) => gap === "-" || gap === ".";

export const ssn: Detector = { kind: "ssn", find, normalise: (value) => value.replace(/\D/g, "") };
