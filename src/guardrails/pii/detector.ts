import type { DigitGroups } from "./digit-groups.ts";

/** The kinds of values that can be masked, as they are written in configuration. */
export const piiKinds = ["email", "phone", "card", "iban", "ssn", "api-key"] as const;
export type PiiKind = (typeof piiKinds)[number];

/** A text under inspection. */
export interface Scan {
  readonly text: string;
  /** Values that begin before this index were decided earlier; what stands there is only looked at as what goes before. */
  readonly from: number;
  /** Runs of digits in it, for the kinds that are made of digits. */
  readonly digits: () => DigitGroups;
}

/** What a detector reports to. */
export interface Findings {
  /** A value from `start` to before `end`. */
  found(start: number, end: number): void;
  /** More text after the end could make a value that begins here, or change one: nothing from here on is decided. */
  open(start: number): void;
}

/**
 * Finds the values of one kind in time linear in the text. Whether a value begins at an index depends on at most CONTEXT_CHARS
 * characters before it and on a bounded number after it, so that a stream gives what the whole text would.
 */
export interface Detector {
  readonly kind: PiiKind;
  find(scan: Scan, findings: Findings): void;
  /** Spellings of one value give one text. */
  normalise(value: string): string;
}

/** How far to the left of a value any detector looks. */
export const CONTEXT_CHARS = 64;
