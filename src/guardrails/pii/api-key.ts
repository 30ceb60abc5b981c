import type { Detector, Findings, Scan } from "./detector.ts";
import { keyShapes } from "./key-shapes.ts";
import { findPemKeys } from "./pem-keys.ts";

/** The longest key that is masked whole: a PEM block of an RSA key of 16,384 bits has 12,700 characters. What is longer is cut there. */
export const KEY_MAX_CHARS = 16_384;

const alternatives = (loose: boolean) =>
  keyShapes
    .filter((shape) => (shape.loose === true) === loose)
    .map(({ prefixes, body }) => `(?:${prefixes.join("|").replaceAll(".", "\\.")})${body}`)
    .join("|");
/* An escape of JSON in a text (`\n`) is no letter before a key. */
const atBeginning = "(?:(?<![\\w-])|(?<=\\\\[nrtbf])|(?<=\\\\u[0-9A-Fa-f]{4}))";
const keys = new RegExp(`${atBeginning}(?:(${alternatives(false)})|${alternatives(true)})`, "g");

/** 3 bits a character and some digits among letters: hyphenated words stay below, random characters are above. */
function looksRandom(text: string): boolean {
  const sample = text.slice(0, 256);
  const digits = sample.replace(/\D/g, "").length;
  if (digits / sample.length < 0.08 || !/[A-Za-z]/.test(sample)) return false;
  const counts = new Map<string, number>();
  for (const char of sample) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / sample.length) * Math.log2(count / sample.length);
  return bits >= 3;
}

function find(scan: Scan, findings: Findings): void {
  const { text, from } = scan;
  keys.lastIndex = from;
  for (let match = keys.exec(text); match !== null; match = keys.exec(text)) {
    const { index, 0: value, 1: known } = match;
    const end = index + Math.min(value.length, KEY_MAX_CHARS);
    if (known !== undefined || looksRandom(value)) findings.found(index, end);
  }
  openTail(text, from, findings);
  findPemKeys(scan, findings, KEY_MAX_CHARS);
}

const prefixes = keyShapes.flatMap((shape) => shape.prefixes);
const LONGEST_PREFIX = Math.max(...prefixes.map((prefix) => prefix.length));
const inPattern = (texts: Iterable<string>) => [...texts].join("|").replaceAll(".", "\\.");
const begun = new Set(prefixes.flatMap((prefix) => Array.from(prefix, (_, index) => prefix.slice(0, index + 1))));
/* A prefix, or a part of one at the end. */
const beginning = new RegExp(`${atBeginning}(?:${inPattern(prefixes)}|(?:${inPattern(begun)})$)`, "g");

const inKey = (code: number) =>
  (code >= 48 && code <= 57) ||
  (code >= 65 && code <= 90) ||
  (code >= 97 && code <= 122) ||
  "-_.+/=\\".includes(String.fromCharCode(code));

/** The last run of a key's characters is open from the first place in it where a key may have begun. */
function openTail(text: string, from: number, { open }: Findings): void {
  const first = Math.max(from, text.length - KEY_MAX_CHARS - LONGEST_PREFIX);
  let start = text.length;
  while (start > first && inKey(text.charCodeAt(start - 1))) start--;
  beginning.lastIndex = start;
  const match = beginning.exec(text);
  if (match !== null) open(match.index);
}

export const apiKey: Detector = { kind: "api-key", find, normalise: (value) => value };
