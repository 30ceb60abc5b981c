import { isUtf8 } from "node:buffer";
import { GatewayError } from "../core/errors.ts";
import type { JsonBody } from "../core/exchange.ts";

export interface JsonLimits {
  /** Deepest nesting, at most 1,000. */
  readonly depth: number;
  /** Most structural characters: `{`, `[`, `,` and `:`. They are what parsing costs. */
  readonly tokens: number;
}

const MAX_DEPTH = 1_000;
/** Keys of one object that are compared one by one; beyond it a set takes over. */
const FEW_KEYS = 16;
/** Bytes of a string looked at one by one before the native search takes over: it costs a call, but then a base64 megabyte costs microseconds. */
const SHORT_STRING = 48;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/* One scan runs at a time, to its end, so that its scratch space is made once. */
const isObject = new Uint8Array(MAX_DEPTH);
const keyCount = new Int32Array(MAX_DEPTH);
const keyHash = new Int32Array(MAX_DEPTH * FEW_KEYS);
const keyStart = new Int32Array(MAX_DEPTH * FEW_KEYS);
const keyEnd = new Int32Array(MAX_DEPTH * FEW_KEYS);
let deepestSet = -1;
const keySets: (Set<string> | undefined)[] = Array.from({ length: MAX_DEPTH }, () => undefined);

const malformed = (cause?: unknown) => new GatewayError("parse_error", "The body is not valid JSON.", { cause });

/** The index behind the closing quote of the string whose content starts at `from`. */
function endOfString(bytes: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const limit = Math.min(at + SHORT_STRING, bytes.length);
    let escaped = false;
    while (at < limit) {
      const byte = bytes[at++];
      if (byte === QUOTE) return at;
      if (byte === BACKSLASH) {
        escaped = at === limit;
        at++;
      }
    }
    if (at >= bytes.length) throw malformed();
    if (escaped) continue;
    const quote = bytes.indexOf(QUOTE, at);
    if (quote < 0) throw malformed();
    let slash = quote;
    while (slash > at && bytes[slash - 1] === BACKSLASH) slash--;
    at = quote + 1;
    if (((quote - slash) & 1) === 0) return at;
  }
}

function keyText(bytes: Buffer, start: number, end: number): string {
  const raw = bytes.toString("utf8", start, end);
  if (!raw.includes("\\")) return raw;
  try {
    return JSON.parse(`"${raw}"`);
  } catch (error) {
    throw malformed(error);
  }
}

const duplicate = () =>
  new GatewayError(
    "invalid_request",
    "An object in the body has the same key twice: two readers could take different values.",
  );

/** Remembers the key in the object at `frame`. A key counts after its escapes are undone: "a" and "\u0061" are one. */
function addKey(bytes: Buffer, frame: number, start: number, end: number, hash: number, escaped: boolean): void {
  const set = keySets[frame];
  const count = keyCount[frame] ?? 0;
  const base = frame * FEW_KEYS;
  if (set === undefined && !escaped && count < FEW_KEYS) {
    for (let slot = base; slot < base + count; slot++) {
      if (keyHash[slot] !== hash) continue;
      const otherStart = keyStart[slot] ?? 0;
      if (bytes.compare(bytes, otherStart, keyEnd[slot] ?? 0, start, end) === 0) throw duplicate();
    }
    keyHash[base + count] = hash;
    keyStart[base + count] = start;
    keyEnd[base + count] = end;
    keyCount[frame] = count + 1;
    if (end - start === 9 && bytes.toString("latin1", start, end) === "__proto__") throw prototypeKey();
    return;
  }
  let keys = set;
  if (keys === undefined) {
    keys = new Set();
    for (let slot = base; slot < base + count; slot++) keys.add(keyText(bytes, keyStart[slot] ?? 0, keyEnd[slot] ?? 0));
    keySets[frame] = keys;
    if (frame > deepestSet) deepestSet = frame;
  }
  const text = keyText(bytes, start, end);
  if (keys.has(text)) throw duplicate();
  if (text === "__proto__") throw prototypeKey();
  keys.add(text);
}

const prototypeKey = () =>
  new GatewayError(
    "invalid_request",
    'The key "__proto__" is not accepted: programs in several languages take it for more than a key.',
  );

/**
 * Bounds what parsing may cost and what it may mean, in one pass over the bytes: valid UTF-8, no byte order mark, depth,
 * structural tokens, no duplicate keys. What is not JSON beyond that is left for JSON.parse to refuse.
 * Throws `parse_error`, `invalid_request` or `too_large`.
 */
export function scanJson(bytes: Buffer, limits: JsonLimits): void {
  if (bytes.length === 0) throw new GatewayError("parse_error", "The body is empty; JSON was expected.");
  if (bytes[0] === 0xef && bytes[1] === 0xbb)
    throw new GatewayError("parse_error", "The body starts with a byte order mark.");
  if (!isUtf8(bytes)) throw new GatewayError("parse_error", "The body is not valid UTF-8.");
  try {
    scanStructure(bytes, limits);
  } finally {
    if (deepestSet >= 0) keySets.fill(undefined, 0, deepestSet + 1);
    deepestSet = -1;
  }
}

function scanStructure(bytes: Buffer, limits: JsonLimits): void {
  const length = bytes.length;
  const maxDepth = Math.min(limits.depth, MAX_DEPTH);
  let tokens = limits.tokens;
  let depth = 0;
  let keyNext = false;
  let at = 0;
  while (at < length) {
    const byte = bytes[at++];
    if (byte === QUOTE) {
      if (!keyNext) {
        at = endOfString(bytes, at);
        continue;
      }
      const start = at;
      let hash = 0;
      let escaped = false;
      for (;;) {
        if (at >= length) throw malformed();
        const each = bytes[at++] ?? 0;
        if (each === QUOTE) break;
        if (each === BACKSLASH) {
          escaped = true;
          at++;
        }
        hash = (Math.imul(hash, 31) + each) | 0;
      }
      addKey(bytes, depth - 1, start, at - 1, hash, escaped);
      keyNext = false;
    } else if (byte === 0x2c /* , */) {
      tokens--;
      keyNext = depth > 0 && isObject[depth - 1] === 1;
    } else if (byte === 0x3a /* : */) {
      tokens--;
    } else if (byte === 0x7b /* { */ || byte === 0x5b /* [ */) {
      tokens--;
      if (depth === maxDepth) throw new GatewayError("too_large", `The body is nested deeper than ${maxDepth} levels.`);
      keyNext = byte === 0x7b;
      isObject[depth] = keyNext ? 1 : 0;
      keyCount[depth] = 0;
      if (keySets[depth] !== undefined) keySets[depth] = undefined;
      depth++;
    } else if (byte === 0x7d /* } */ || byte === 0x5d /* ] */) {
      if (depth-- === 0) throw malformed();
      keyNext = false;
    }
    if (tokens < 0) {
      throw new GatewayError(
        "too_large",
        `The body has more than ${limits.tokens} structural characters; the limit is limits.json.tokens.`,
      );
    }
  }
}

/** Scans and parses a body once. The value is only read; edits go into the bytes (json-splice.ts). */
export function parseJsonBody(bytes: Buffer, limits: JsonLimits): JsonBody {
  scanJson(bytes, limits);
  try {
    return { bytes, value: JSON.parse(bytes.toString()) };
  } catch (error) {
    throw malformed(error);
  }
}
