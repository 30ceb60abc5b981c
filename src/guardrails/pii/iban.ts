import type { Detector, Findings, Scan } from "./detector.ts";
import { isWordAt, isWordBefore } from "./words.ts";

/** Length by country (SWIFT IBAN registry). */
// oxfmt-ignore
const lengths: Readonly<Record<string, number>> = {
  AD: 24, AE: 23, AL: 28, AT: 20, AZ: 28, BA: 20, BE: 16, BG: 22, BH: 22, BI: 27, BR: 29, BY: 28, CH: 21, CR: 22, CY: 28, CZ: 24,
  DE: 22, DJ: 27, DK: 18, DO: 28, EE: 20, EG: 29, ES: 24, FI: 18, FK: 18, FO: 18, FR: 27, GB: 22, GE: 22, GI: 23, GL: 18, GR: 27,
  GT: 28, HN: 28, HR: 21, HU: 28, IE: 22, IL: 23, IQ: 23, IS: 26, IT: 27, JO: 30, KW: 30, KZ: 20, LB: 28, LC: 32, LI: 21, LT: 20,
  LU: 20, LV: 21, LY: 25, MC: 27, MD: 24, ME: 22, MK: 19, MN: 20, MR: 27, MT: 31, MU: 30, NI: 28, NL: 18, NO: 15, OM: 23, PK: 24,
  PL: 28, PS: 29, PT: 25, QA: 29, RO: 24, RS: 22, RU: 33, SA: 24, SC: 31, SD: 18, SE: 24, SI: 19, SK: 24, SM: 27, SO: 23, ST: 25,
  SV: 28, TL: 23, TN: 24, TR: 26, UA: 29, VA: 22, VG: 24, XK: 20, YE: 30,
};

const begin = /[A-Za-z]{2}\d{2}/g;
const isAlphanumeric = (code: number) =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
const isSeparator = (code: number) => code === 32 || code === 45 || code === 0xa0 || code === 0x202f;

/** ISO 7064, MOD 97-10, as ISO 13616 applies it: the first four characters last, letters as two digits. */
function passesMod97(iban: string): boolean {
  let rest = 0;
  for (let index = 0; index < iban.length; index++) {
    const code = iban.charCodeAt((index + 4) % iban.length);
    rest = code < 58 ? (rest * 10 + code - 48) % 97 : (rest * 100 + code - 55) % 97;
  }
  return rest === 1;
}

const normalise = (value: string) => value.replace(/[^A-Za-z0-9]/g, "").toUpperCase();

function find({ text, from }: Scan, { found, open }: Findings): void {
  begin.lastIndex = from;
  for (let match = begin.exec(text); match !== null; match = begin.exec(text)) {
    const start = match.index;
    /* The next try is one character on: `ABDE12…` may hold a country's code at any place, but only at a word's beginning is it one. */
    begin.lastIndex = start + 1;
    const length = lengths[text.slice(start, start + 2).toUpperCase()];
    if (length === undefined || isWordBefore(text, start)) continue;
    let end = start + 4;
    for (let left = length - 4; left > 0 && end < text.length;) {
      const code = text.charCodeAt(end);
      if (isAlphanumeric(code)) left--;
      else if (!isSeparator(code) || isSeparator(text.charCodeAt(end - 1))) break;
      end++;
    }
    if (end >= text.length - 1) open(start);
    const iban = normalise(text.slice(start, end));
    if (iban.length !== length || isWordAt(text, end) || !passesMod97(iban)) continue;
    found(start, end);
    begin.lastIndex = end;
  }
  openTail(text, from, open);
}

/* A country's code that has only begun. */
function openTail(text: string, from: number, open: (start: number) => void): void {
  let start = text.length;
  while (start > from && text.length - start < 4 && isAlphanumeric(text.charCodeAt(start - 1))) start--;
  if (start < text.length && text.length - start < 4) open(start);
}

export const iban: Detector = { kind: "iban", find, normalise };
