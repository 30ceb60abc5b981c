import { GatewayError } from "../core/errors.ts";

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;

/** One event inside the bytes it came in. */
export interface CutEvent {
  readonly start: number;
  /** Past the blank line that ends it. */
  readonly end: number;
  /** Its `data` lines joined by line feeds; undefined for a comment or an event without data. */
  readonly data: string | undefined;
}

/** Whole events only: what is passed on can always be followed by an event of one's own. */
export interface Cut {
  readonly bytes: Buffer;
  readonly events: readonly CutEvent[];
}

export interface EventCutter {
  /** Undefined while no event is complete. Throws `upstream_invalid` for an event beyond the limit. */
  push(chunk: Buffer): Cut | undefined;
  /** What was begun and not ended, as if the blank line had come. */
  flush(): Cut | undefined;
  /** The bytes of it. */
  rest(): Buffer | undefined;
}

/** Cuts a stream of bytes into server-sent events (WHATWG HTML, 9.2.5), whatever its line ends and wherever its chunks begin. */
export function createEventCutter(limitBytes: number): EventCutter {
  let held: Buffer | undefined;
  /* Where in `held` the search goes on: an event in many chunks is not searched from its start each time. */
  let searched = 0;
  let lineStart = 0;
  let atStart = true;
  /* Whether all of `held` is without a CR: then its lines are found natively, five times as fast. */
  let plain = true;

  function check(eventBytes: number): void {
    if (eventBytes <= limitBytes) return;
    throw new GatewayError(
      "upstream_invalid",
      `The upstream sent an event that is too large: over ${limitBytes} bytes.`,
    );
  }

  function push(chunk: Buffer): Cut | undefined {
    let bytes = held === undefined ? chunk : Buffer.concat([held, chunk]);
    if (atStart && bytes.length > 0) {
      if (bytes.length < 3 && startsLikeMark(bytes)) {
        held = bytes;
        return undefined;
      }
      if (startsLikeMark(bytes)) bytes = bytes.subarray(3);
      atStart = false;
    }
    plain &&= bytes.indexOf(CR, searched) < 0;
    const events: CutEvent[] = [];
    let eventStart = 0;
    let end = findLineEnd(bytes, searched, plain);
    // A CR at the very end may be the first half of CRLF.
    while (end < bytes.length && !(bytes[end] === CR && end + 1 === bytes.length)) {
      const blank = end === lineStart;
      lineStart = end + (bytes[end] === CR && bytes[end + 1] === LF ? 2 : 1);
      if (blank) {
        check(lineStart - eventStart);
        events.push({ start: eventStart, end: lineStart, data: readData(bytes, eventStart, lineStart, plain) });
        eventStart = lineStart;
      }
      end = findLineEnd(bytes, lineStart, plain);
    }
    check(bytes.length - eventStart);
    held = eventStart === bytes.length ? undefined : bytes.subarray(eventStart);
    plain ||= held === undefined;
    searched = end - eventStart;
    lineStart -= eventStart;
    return events.length === 0 ? undefined : { bytes: bytes.subarray(0, eventStart), events };
  }

  return {
    push,
    rest: () => held,
    flush() {
      if (held === undefined) return undefined;
      return push(Buffer.from("\n\n"));
    },
  };
}

/** The byte order mark that may stand at the start of a stream, or the beginning of one. */
function startsLikeMark(bytes: Buffer): boolean {
  return bytes[0] === 0xef && (bytes.length < 2 || bytes[1] === 0xbb) && (bytes.length < 3 || bytes[2] === 0xbf);
}

/** Where the line that `from` is in ends; the length where it does not. `plain`: there is no CR. */
function findLineEnd(bytes: Buffer, from: number, plain: boolean): number {
  if (plain) {
    const found = bytes.indexOf(LF, from);
    return found < 0 ? bytes.length : found;
  }
  let at = from;
  while (at < bytes.length && bytes[at] !== LF && bytes[at] !== CR) at++;
  return at;
}

function readData(bytes: Buffer, start: number, end: number, plain: boolean): string | undefined {
  let data: string | undefined;
  let line = start;
  while (line < end) {
    const lineEnd = findLineEnd(bytes, line, plain);
    if (isData(bytes, line, lineEnd)) {
      const value = line + 4 === lineEnd ? lineEnd : line + 5 + (bytes[line + 5] === 0x20 ? 1 : 0);
      const text = bytes.toString("utf8", Math.min(value, lineEnd), lineEnd);
      data = data === undefined ? text : `${data}\n${text}`;
    }
    line = bytes[lineEnd] === CR && bytes[lineEnd + 1] === LF ? lineEnd + 2 : lineEnd + 1;
  }
  return data;
}

/* `data` alone on its line, or followed by a colon. */
function isData(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < 4) return false;
  if (bytes[start] !== 0x64 || bytes[start + 1] !== 0x61 || bytes[start + 2] !== 0x74 || bytes[start + 3] !== 0x61)
    return false;
  return end - start === 4 || bytes[start + 4] === COLON;
}
