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
    const events: CutEvent[] = [];
    let eventStart = 0;
    let index = searched;
    for (; index < bytes.length; index++) {
      const byte = bytes[index];
      if (byte !== LF && byte !== CR) continue;
      // A CR at the very end may be the first half of CRLF.
      if (byte === CR && index + 1 === bytes.length) break;
      const blank = index === lineStart;
      if (byte === CR && bytes[index + 1] === LF) index++;
      lineStart = index + 1;
      if (!blank) continue;
      check(lineStart - eventStart);
      events.push({ start: eventStart, end: lineStart, data: readData(bytes, eventStart, lineStart) });
      eventStart = lineStart;
    }
    check(bytes.length - eventStart);
    held = eventStart === bytes.length ? undefined : bytes.subarray(eventStart);
    searched = index - eventStart;
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

function readData(bytes: Buffer, start: number, end: number): string | undefined {
  let data: string | undefined;
  let line = start;
  while (line < end) {
    let lineEnd = line;
    while (bytes[lineEnd] !== LF && bytes[lineEnd] !== CR) lineEnd++;
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
