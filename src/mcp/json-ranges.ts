/* Where the parts of a JSON text stand in its bytes. The text has been parsed once already, so that only valid JSON comes here. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** A value's bytes: from `start` to before `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** One member of an object; `keyStart` is where its key's quote stands. */
export interface Member extends Range {
  readonly key: string;
  readonly keyStart: number;
}

/** Replaces the bytes of a range; an empty range inserts. */
export interface Edit extends Range {
  readonly text: string | Buffer;
}

function skipSpace(bytes: Buffer, at: number): number {
  let index = at;
  for (;;) {
    const byte = bytes[index];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return index;
    index += 1;
  }
}

/* indexOf is native: a long string costs little beyond its escapes. */
function skipString(bytes: Buffer, at: number): number {
  let index = at + 1;
  for (;;) {
    const quote = bytes.indexOf(QUOTE, index);
    if (quote === -1) return bytes.length;
    let escapes = 0;
    while (bytes[quote - 1 - escapes] === BACKSLASH) escapes += 1;
    index = quote + 1;
    if (escapes % 2 === 0) return index;
  }
}

function skipValue(bytes: Buffer, at: number): number {
  const first = bytes[at];
  if (first === QUOTE) return skipString(bytes, at);
  let index = at;
  if (first !== 0x7b && first !== 0x5b) {
    while (index < bytes.length) {
      const byte = bytes[index];
      if (byte === 0x2c || byte === 0x5d || byte === 0x7d || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) break;
      index += 1;
    }
    return index;
  }
  let depth = 0;
  while (index < bytes.length) {
    const byte = bytes[index];
    if (byte === QUOTE) {
      index = skipString(bytes, index);
      continue;
    }
    if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
      if (depth === 0) return index + 1;
    }
    index += 1;
  }
  return index;
}

/** The range of the whole value, without the space around it. */
export function wholeValue(bytes: Buffer): Range {
  const start = skipSpace(bytes, 0);
  return { start, end: skipValue(bytes, start) };
}

/** The members of the object that starts at `at`, in order. None when something else starts there. */
export function members(bytes: Buffer, at: number): Member[] {
  const found: Member[] = [];
  let index = skipSpace(bytes, at);
  if (bytes[index] !== 0x7b) return found;
  index = skipSpace(bytes, index + 1);
  while (bytes[index] === QUOTE) {
    const keyStart = index;
    const keyEnd = skipString(bytes, index);
    const raw = bytes.toString("utf8", keyStart + 1, keyEnd - 1);
    const start = skipSpace(bytes, skipSpace(bytes, keyEnd) + 1);
    const end = skipValue(bytes, start);
    found.push({ key: raw.includes("\\") ? (JSON.parse(`"${raw}"`) as string) : raw, keyStart, start, end });
    index = skipSpace(bytes, end);
    if (bytes[index] !== 0x2c) break;
    index = skipSpace(bytes, index + 1);
  }
  return found;
}

/** The elements of the array that starts at `at`. None when something else starts there. */
export function elements(bytes: Buffer, at: number): Range[] {
  const found: Range[] = [];
  let index = skipSpace(bytes, at);
  if (bytes[index] !== 0x5b) return found;
  index = skipSpace(bytes, index + 1);
  while (index < bytes.length && bytes[index] !== 0x5d) {
    const end = skipValue(bytes, index);
    found.push({ start: index, end });
    index = skipSpace(bytes, end);
    if (bytes[index] !== 0x2c) break;
    index = skipSpace(bytes, index + 1);
  }
  return found;
}

/** The value at a path of keys, or undefined where the path ends early. */
export function locate(bytes: Buffer, ...path: readonly string[]): Member | undefined {
  let at = 0;
  let found: Member | undefined;
  for (const key of path) {
    found = members(bytes, at).find((member) => member.key === key);
    if (found === undefined) return undefined;
    at = found.start;
  }
  return found;
}

/** The bytes with edits applied. Ranges do not overlap; their order does not matter. */
export function splice(bytes: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return bytes;
  const parts: Buffer[] = [];
  let at = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
    parts.push(bytes.subarray(at, edit.start), typeof edit.text === "string" ? Buffer.from(edit.text) : edit.text);
    at = edit.end;
  }
  parts.push(bytes.subarray(at));
  return Buffer.concat(parts);
}
