import { apiKey } from "./api-key.ts";
import { card } from "./card.ts";
import { type Detector, type PiiKind } from "./detector.ts";
import { type DigitGroups, openDigits, readDigitGroups } from "./digit-groups.ts";
import { email } from "./email.ts";
import { iban } from "./iban.ts";
import { phone } from "./phone.ts";
import { ssn } from "./ssn.ts";

/** Every detector. Where two find one stretch of text, the longer decides what it is, and this order between equals. */
const detectors: readonly Detector[] = [apiKey, email, iban, card, ssn, phone];
const byKind = new Map(detectors.map((detector) => [detector.kind, detector]));
const ofDigits: ReadonlySet<PiiKind> = new Set(["card", "ssn", "phone"]);

/** A value in a text, from `start` to before `end`. */
export interface Found {
  readonly kind: PiiKind;
  readonly start: number;
  readonly end: number;
}

/** What a text holds. */
export interface Detected {
  /** In order, none overlapping another. */
  readonly found: readonly Found[];
  /** Up to here more text after the end changes nothing. Infinity where the end is known. */
  readonly decided: number;
}

/** Finds values of the given kinds from index `from` on. `final`: nothing follows the text. */
export type Detect = (text: string, from: number, final: boolean) => Detected;

export const normaliseValue = (kind: PiiKind, value: string): string => byKind.get(kind)?.normalise(value) ?? value;

/**
 * Builds the search for some kinds. Two values that overlap become one, so that no part of either is left; what lies inside a value of
 * a kind that is not asked for is no value: the digits of an account are no telephone number.
 */
export function createDetect(kinds: Iterable<PiiKind>): Detect {
  const wanted = new Set(kinds);
  const used = detectors.filter(({ kind }) => wanted.has(kind) || (wanted.has("phone") && isLikePhone(kind)));
  const digits = used.some(({ kind }) => ofDigits.has(kind));
  return (text, from, final) => {
    const found: Found[] = [];
    let decided = Infinity;
    const open = (start: number) => {
      decided = Math.min(decided, start);
    };
    let groups: DigitGroups | undefined;
    const scan = { text, from, digits: () => (groups ??= readDigitGroups(text)) };
    for (const { kind, find } of used)
      find(scan, { open, found: (start, end) => void found.push({ kind, start, end }) });
    if (digits && !final) open(openDigits(scan.digits()));
    const order = found.toSorted((a, b) => a.start - b.start || b.end - a.end || rank(a) - rank(b));
    if (final) return { found: merge(order, wanted), decided: Infinity };
    /* What is found but reaches into the open is open too, and so is what overlaps it. */
    for (const { start, end } of order.toReversed()) if (start < decided && end > decided) decided = start;
    decided = Math.max(decided, from);
    return {
      found: merge(
        order.filter(({ end }) => end <= decided),
        wanted,
      ),
      decided,
    };
  };
}

const isLikePhone = (kind: PiiKind) => kind === "card" || kind === "ssn" || kind === "iban";

/** `order`: by start, the longest first. */
function merge(order: readonly Found[], wanted: ReadonlySet<PiiKind>): Found[] {
  const merged: Found[] = [];
  let hidden = -1;
  let longest = 0;
  for (const next of order) {
    if (!wanted.has(next.kind)) {
      hidden = Math.max(hidden, next.end);
      continue;
    }
    if (next.end <= hidden) continue;
    const last = merged.at(-1);
    const length = next.end - next.start;
    if (last === undefined || next.start >= last.end) {
      merged.push(next);
      longest = length;
    } else if (next.end > last.end) {
      merged[merged.length - 1] = { kind: length > longest ? next.kind : last.kind, start: last.start, end: next.end };
      longest = Math.max(longest, length);
    }
  }
  return merged;
}

const rank = ({ kind }: Found) => detectors.findIndex((detector) => detector.kind === kind);
