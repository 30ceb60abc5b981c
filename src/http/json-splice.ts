import { GatewayError } from "../core/errors.ts";
import type { JsonEdit, JsonPath } from "../core/json-edit.ts";

/** A half-open range of bytes. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/* Everything here takes bytes that JSON.parse accepted. On others the loops still end, with no promise about the result. */

function skipSpace(bytes: Buffer, from: number): number {
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

function skipValue(bytes: Buffer, from: number): number {
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
interface Place {
  readonly container: "object" | "array";
  /** Behind the opening bracket. */
  readonly inside: number;
  /** Behind the last value, or `inside` when there is none. */
  readonly tail: number;
  readonly count: number;
  readonly found: { readonly start: number; readonly value: Range; readonly index: number } | undefined;
}

function enter(bytes: Buffer, at: number, step: string | number): Place | undefined {
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

/** One edit as a replacement of bytes. */
interface Patch extends Range {
  readonly text: Buffer;
  /** It moves commas, so that it may depend on its neighbours. */
  readonly structural: boolean;
  /** It adds a member behind others, with a comma of its own: the next such one fits behind it. */
  readonly appends?: boolean;
}

const nothing = Buffer.alloc(0);

const cannot = (path: JsonPath) =>
  new GatewayError(
    "invalid_request",
    `The body has no place for ${path.map(String).join(".")}: what should hold it is not an object.`,
  );

/** The text of a member or element that is not there yet, with the objects between. */
function nested(path: JsonPath, from: number, json: string | Buffer): Buffer {
  const parts: (string | Buffer)[] = [];
  let closing = "";
  for (const step of path.slice(from)) {
    if (typeof step === "number") throw cannot(path);
    parts.push(`{${JSON.stringify(step)}:`);
    closing += "}";
  }
  return Buffer.concat([...parts, json, closing].map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
}

function removal(bytes: Buffer, place: Place, found: NonNullable<Place["found"]>): Patch {
  const after = skipSpace(bytes, found.value.end);
  if (bytes[after] === COMMA)
    return { start: found.start, end: skipSpace(bytes, after + 1), text: nothing, structural: true };
  let start = found.start;
  if (found.index > 0) {
    // Back over the comma in front: between it and here there is only white space.
    do start--;
    while (start > place.inside && bytes[start] !== COMMA);
    while (start > place.inside && (bytes[start - 1] ?? 0) <= 0x20) start--;
  }
  return { start, end: found.value.end, text: nothing, structural: true };
}

/** Places that edits before this one have found on the same way: each would else walk past the same large values. */
type Known = Map<string, Place | undefined>;

function enterKnown(bytes: Buffer, at: number, step: string | number, known: Known): Place | undefined {
  const key = `${at} ${typeof step} ${step}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const place = enter(bytes, at, step);
  known.set(key, place);
  return place;
}

function plan(bytes: Buffer, { path, json }: JsonEdit, known?: Known): Patch | undefined {
  let at = skipSpace(bytes, 0);
  for (let depth = 0; depth < path.length; depth++) {
    const step = path[depth] ?? "";
    const shared = known !== undefined && depth < path.length - 1;
    const place = shared ? enterKnown(bytes, at, step, known) : enter(bytes, at, step);
    if (place === undefined) {
      if (json === undefined) return undefined;
      throw cannot(path);
    }
    if (place.found !== undefined) {
      at = place.found.value.start;
      if (depth < path.length - 1) continue;
      if (json === undefined) return removal(bytes, place, place.found);
      return { ...place.found.value, text: Buffer.from(json), structural: false };
    }
    if (json === undefined) return undefined;
    if (typeof step === "number" && step !== place.count) throw cannot(path);
    const lead = (place.count > 0 ? "," : "") + (typeof step === "string" ? `${JSON.stringify(step)}:` : "");
    const text = Buffer.concat([Buffer.from(lead), nested(path, depth + 1, json)]);
    const appends = place.count > 0 && depth === path.length - 1;
    return { start: place.tail, end: place.tail, text, structural: true, appends };
  }
  if (json === undefined) throw cannot(path);
  return { start: at, end: skipValue(bytes, at), text: Buffer.from(json), structural: false };
}

function patchAll(bytes: Buffer, patches: readonly Patch[]): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (const patch of patches) {
    parts.push(bytes.subarray(from, patch.start), patch.text);
    from = patch.end;
  }
  parts.push(bytes.subarray(from));
  return Buffer.concat(parts);
}

/**
 * The same document with these edits; every other byte stays: unknown fields, the spelling of numbers, order, white space.
 * Paths are those of the original; no path may lead through another edit's. Missing objects on the way are made.
 * Throws `invalid_request` when a path leads through something that is no object or array.
 */
export function splice(bytes: Buffer, edits: readonly JsonEdit[]): Buffer {
  const planned: { readonly edit: JsonEdit; readonly patch: Patch }[] = [];
  const known: Known | undefined = edits.length > 1 ? new Map() : undefined;
  for (const edit of edits) {
    const patch = plan(bytes, edit, known);
    if (patch !== undefined) planned.push({ edit, patch });
  }
  if (planned.length === 0) return bytes;
  planned.sort((a, b) => a.patch.start - b.patch.start);
  const touching = planned.some(({ patch }, index) => {
    const before = planned[index - 1]?.patch;
    if (before === undefined || (patch.appends === true && before.appends === true)) return false;
    return (patch.structural || before.structural) && patch.start <= before.end;
  });
  if (!touching)
    return patchAll(
      bytes,
      planned.map(({ patch }) => patch),
    );
  // Neighbours share commas: from the back, one after the other, so that the positions and indexes in front still hold.
  let result = bytes;
  const groups = new Map<number, JsonEdit[]>();
  for (const { edit, patch } of planned) groups.set(patch.start, [...(groups.get(patch.start) ?? []), edit]);
  for (const start of [...groups.keys()].sort((a, b) => b - a)) {
    for (const edit of groups.get(start) ?? []) {
      const patch = plan(result, edit);
      if (patch !== undefined) result = patchAll(result, [patch]);
    }
  }
  return result;
}
