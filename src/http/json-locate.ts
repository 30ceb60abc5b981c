import type { JsonPath } from "../core/json-edit.ts";

/** A half-open range of bytes. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
export const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/* Everything here takes bytes that JSON.parse accepted. On others the loops still end, with no promise about the result. */

/** The index of the first byte from `from` on that is no white space. */
export function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while ((bytes[at] ?? 0x21) <= 0x20) at++;
  return at;
}

/** `from` is the opening quote; gives the index behind the closing one. */
function skipString(bytes: Buffer, from: number): number {
  let at = from + 1;
  for (;;) {
    // Short strings byte by byte; the native search costs a call that pays off from about this length.
    const limit = Math.min(at + 48, bytes.length);
    while (at < limit) {
      const byte = bytes[at++];
      if (byte === QUOTE) return at;
      if (byte === BACKSLASH) at++;
    }
    if (at >= bytes.length) return bytes.length;
    const quote = bytes.indexOf(QUOTE, at);
    if (quote < 0) return bytes.length;
    let slash = quote;
    while (slash > at && bytes[slash - 1] === BACKSLASH) slash--;
    at = quote + 1;
    if (((quote - slash) & 1) === 0) return at;
  }
}

/** The index behind the value that begins at `from`. */
export function skipValue(bytes: Buffer, from: number): number {
  let at = from;
  let depth = 0;
  do {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = skipString(bytes, at);
      continue;
    }
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--;
    else if (depth === 0) return skipScalar(bytes, at);
    at++;
  } while (depth > 0 && at < bytes.length);
  return at;
}

function skipScalar(bytes: Buffer, from: number): number {
  let at = from;
  for (; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte <= 0x20 || byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) break;
  }
  return at;
}

function keyEquals(bytes: Buffer, start: number, end: number, key: string): boolean {
  let at = start;
  // Byte by byte: keys are short, and a native call for each key of an answer costs more than parsing it.
  for (; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === BACKSLASH || byte > 0x7f) return JSON.parse(`"${bytes.toString("utf8", start, end)}"`) === key;
    if (byte !== key.charCodeAt(at - start)) return false;
  }
  return end - start === key.length;
}

/** One step into a container: the member or element when it is there, and where one could be added. */
export interface Place {
  readonly container: "object" | "array";
  /** Behind the opening bracket. */
  readonly inside: number;
  /** Behind the last value, or `inside` when there is none. */
  readonly tail: number;
  readonly count: number;
  readonly found: { readonly start: number; readonly value: Range; readonly index: number } | undefined;
}

/** Looks for one step in the container at `at`; undefined where that is none the step could lead into. */
export function enter(bytes: Buffer, at: number, step: string | number): Place | undefined {
  const object = bytes[at] === OPEN_OBJECT;
  if (!object && bytes[at] !== OPEN_ARRAY) return undefined;
  if (object !== (typeof step === "string")) return undefined;
  const inside = at + 1;
  let tail = inside;
  let count = 0;
  let found: Place["found"];
  let next = skipSpace(bytes, inside);
  while (next < bytes.length && bytes[next] !== CLOSE_OBJECT && bytes[next] !== CLOSE_ARRAY) {
    const start = next;
    let valueStart = start;
    let matches = count === step;
    if (typeof step === "string") {
      const keyEnd = skipString(bytes, start);
      matches = keyEquals(bytes, start + 1, keyEnd - 1, step);
      valueStart = skipSpace(bytes, skipSpace(bytes, keyEnd) + 1);
    }
    tail = skipValue(bytes, valueStart);
    // The last of equal keys, as JSON.parse has it.
    if (matches) found = { start, value: { start: valueStart, end: tail }, index: count };
    count++;
    next = skipSpace(bytes, tail);
    if (bytes[next] !== COMMA) break;
    next = skipSpace(bytes, next + 1);
  }
  return { container: object ? "object" : "array", inside, tail, count, found };
}

/** Where the value at `path` lies; undefined when there is none. */
export function locate(bytes: Buffer, path: JsonPath): Range | undefined {
  let at = skipSpace(bytes, 0);
  let value: Range | undefined;
  for (const step of path) {
    value = enter(bytes, at, step)?.found?.value;
    if (value === undefined) return undefined;
    at = value.start;
  }
  return value ?? { start: at, end: skipValue(bytes, at) };
}

/**
 * One member of an object that nobody has parsed: where its value lies, if it is there. `whole`: the bytes are one object that ends
 * where they end, as far as brackets and quotes tell; what lies between them is not looked at. Throws a SyntaxError for a broken key.
 */
export function locateMember(
  bytes: Buffer,
  name: string,
): { readonly whole: boolean; readonly value: Range | undefined } {
  const place = bytes[skipSpace(bytes, 0)] === OPEN_OBJECT ? enter(bytes, skipSpace(bytes, 0), name) : undefined;
  if (place === undefined) return { whole: false, value: undefined };
  const close = skipSpace(bytes, place.tail);
  const whole = bytes[close] === CLOSE_OBJECT && skipSpace(bytes, close + 1) === bytes.length;
  return { whole, value: place.found?.value };
}

/** The bytes of the value at `path` exactly as they were written, not copied; undefined when there is none. */
export function rawValue(bytes: Buffer, path: JsonPath): Buffer | undefined {
  const range = locate(bytes, path);
  return range === undefined ? undefined : bytes.subarray(range.start, range.end);
}

/** The elements of the array at `path`, in order; none when it is not an array. */
export function locateElements(bytes: Buffer, path: JsonPath = []): readonly Range[] {
  const range = locate(bytes, path);
  if (range === undefined || bytes[range.start] !== OPEN_ARRAY) return [];
  const elements: Range[] = [];
  let next = skipSpace(bytes, range.start + 1);
  while (next < range.end && bytes[next] !== CLOSE_ARRAY) {
    const end = skipValue(bytes, next);
    elements.push({ start: next, end });
    next = skipSpace(bytes, end);
    if (bytes[next] !== COMMA) break;
    next = skipSpace(bytes, next + 1);
  }
  return elements;
}
