import type { Detector, Findings, Scan } from "./detector.ts";
import { escapeBefore, isWordCode } from "./words.ts";

/* RFC 5321, section 4.5.3.1. */
const LOCAL_MAX = 64;
const DOMAIN_MAX = 253;

const APOSTROPHE = 39;
const DOT = 46;
const HYPHEN = 45;

/* Fewer than RFC 5322 allows: `=`, `/`, `{` and their like stand around addresses far more often than in them. */
const isPunctuation = (code: number) =>
  code === DOT || code === HYPHEN || code === 95 || code === 37 || code === 43 || code === APOSTROPHE;
const isLocal = (code: number) => isWordCode(code) || isPunctuation(code);
const isDomain = (code: number) => isWordCode(code) || code === DOT || code === HYPHEN;
/* Labels of RFC 1035, section 2.3.1, in any script that `isDomain` takes; a top level has no digits but in its encoded form. */
const domain = /^(?:[^.-](?:[^.]{0,61}[^.-])?\.)+(?:xn--[a-z0-9-]*[a-z0-9]|[^\d.-]{2,63})/i;

/** Where the local part before `at` begins; `at` itself when there is none. */
function localStart(text: string, at: number, from: number): number {
  const first = Math.max(from, at - LOCAL_MAX);
  let start = at;
  while (start > first && isLocal(text.charCodeAt(start - 1))) start--;
  return skipForeign(text, start, at);
}

/* An escape's letter, and punctuation that no address begins with, belong to what goes before. */
function skipForeign(text: string, begin: number, end: number): number {
  let start = begin;
  if (text.charCodeAt(start - 1) === 92) {
    if (escapeBefore(text, start + 1) === 2) start += 1;
    else if (escapeBefore(text, start + 5) === 6) start += 5;
  }
  while (start < end && isPunctuation(text.charCodeAt(start))) start++;
  return Math.min(start, end);
}

/** Where the domain that begins at `start` ends; `start` itself when it is none. */
function domainEnd(text: string, start: number): number {
  const last = Math.min(text.length, start + DOMAIN_MAX);
  let end = start;
  while (end < last && isDomain(text.charCodeAt(end))) end++;
  return start + (domain.exec(text.slice(start, end))?.[0].length ?? 0);
}

function find({ text, from }: Scan, { found, open }: Findings): void {
  let decided = from;
  for (let at = text.indexOf("@", from); at !== -1; at = text.indexOf("@", at + 1)) {
    const start = localStart(text, at, decided);
    if (start === at) continue;
    let reach = at + 1;
    while (reach < text.length && reach - at <= DOMAIN_MAX && isDomain(text.charCodeAt(reach))) reach++;
    if (reach === text.length) open(start);
    const end = domainEnd(text, at + 1);
    if (end === at + 1) continue;
    found(start, end);
    decided = end;
  }
  const tail = localStart(text, text.length, decided);
  if (tail < text.length) open(tail);
}

export const email: Detector = { kind: "email", find, normalise: (value) => value.toLowerCase() };
