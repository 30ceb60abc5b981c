import { GatewayError } from "../core/errors.ts";

/** One event of a stream, or a block of comments. Bytes are views into what arrived: copy what outlives the callback. */
export interface SseEvent {
  /** The whole block as it came, to the blank line that ends it. */
  readonly raw: Buffer;
  /** The `data` lines joined by a line feed; undefined for a block without one (a comment, a bare `id`). */
  readonly data: Buffer | undefined;
  /** Empty when the block names none: that means `message`. */
  readonly event: string;
  readonly id: string | undefined;
  /** Milliseconds. */
  readonly retry: number | undefined;
}

/** What becomes of an event: undefined passes it on untouched, null drops it, bytes take the place of its data. */
export type SseVerdict = Buffer | string | null | undefined;

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const empty = Buffer.alloc(0);
const lineFeed = Buffer.from("\n");

interface Line {
  readonly start: number;
  /** Before the line end. */
  readonly end: number;
  /** Behind the line end. */
  readonly next: number;
}

function lineAt(block: Buffer, start: number): Line {
  let end = start;
  while (end < block.length && block[end] !== LF && block[end] !== CR) end++;
  const next = block[end] === CR && block[end + 1] === LF ? end + 2 : end + 1;
  return { start, end, next: Math.min(next, block.length) };
}

/** Where the value of a `data` line starts; -1 for any other line. */
function dataStart(block: Buffer, { start, end }: Line): number {
  const isData =
    block[start] === 0x64 && block[start + 1] === 0x61 && block[start + 2] === 0x74 && block[start + 3] === 0x61;
  if (!isData || end < start + 4) return -1;
  if (end === start + 4) return end;
  if (block[start + 4] !== COLON) return -1;
  return block[start + 5] === SPACE && end > start + 5 ? start + 6 : start + 5;
}

function parseBlock(raw: Buffer, first: number): SseEvent {
  let data: Buffer | undefined;
  let event = "";
  let id: string | undefined;
  let retry: number | undefined;
  for (let at = first; at < raw.length;) {
    const line = lineAt(raw, at);
    at = line.next;
    const from = dataStart(raw, line);
    if (from >= 0) {
      const value = raw.subarray(from, line.end);
      data = data === undefined ? value : Buffer.concat([data, lineFeed, value]);
      continue;
    }
    if (raw[line.start] === COLON || line.end === line.start) continue;
    const text = raw.toString("utf8", line.start, line.end);
    const colon = text.indexOf(":");
    const name = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(text[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "event") event = value;
    else if (name === "id" && !value.includes("\0")) id = value;
    else if (name === "retry" && /^\d+$/.test(value)) retry = Number(value);
  }
  return { raw, data, event, id, retry };
}

/** The block with other data: every line but the `data` lines stays as it came, and the new ones stand where the first old one stood. */
function withData(raw: Buffer, first: number, data: Buffer | string): Buffer {
  const text = typeof data === "string" ? data : data.toString();
  const parts: Buffer[] = [raw.subarray(0, first)];
  let written = false;
  for (let at = first; at < raw.length;) {
    const line = lineAt(raw, at);
    at = line.next;
    const isEnd = line.end === line.start;
    if (!written && (isEnd || dataStart(raw, line) >= 0)) {
      parts.push(
        Buffer.from(
          text
            .split(/\r\n|\r|\n/)
            .map((each) => `data: ${each}\n`)
            .join(""),
        ),
      );
      written = true;
    }
    if (dataStart(raw, line) < 0) parts.push(raw.subarray(line.start, line.next));
  }
  return Buffer.concat(parts);
}

/** Cuts a byte stream into the blocks of server-sent events (WHATWG HTML, section 9.2.6), wherever its chunks were cut. */
class SseFramer {
  readonly #maxBytes: number;
  readonly #onBlock: (raw: Buffer, first: number) => void;
  /** What arrived of the block that is not complete yet. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #lineEmpty = true;
  /** The last byte was a CR that ended a line: a LF now belongs to it. */
  #afterCr = false;
  /** That LF is the first byte of the next block. */
  #leadingLf = false;
  #started = false;

  constructor(maxBytes: number, onBlock: (raw: Buffer, first: number) => void) {
    this.#maxBytes = maxBytes;
    this.#onBlock = onBlock;
  }

  push(chunk: Buffer): void {
    const { length } = chunk;
    let blockStart = 0;
    let at = 0;
    let nextCr = chunk.indexOf(CR);
    while (at < length) {
      const byte = chunk[at];
      if (this.#afterCr) {
        this.#afterCr = false;
        if (byte === LF) {
          if (at === blockStart && this.#heldBytes === 0) this.#leadingLf = true;
          at++;
          continue;
        }
      }
      if (byte === LF || byte === CR) {
        at++;
        this.#afterCr = byte === CR;
        if (!this.#lineEmpty) {
          this.#lineEmpty = true;
          continue;
        }
        // Take the LF of a CRLF along when it is there already.
        if (this.#afterCr && chunk[at] === LF) {
          at++;
          this.#afterCr = false;
        }
        this.#emit(chunk.subarray(blockStart, at));
        blockStart = at;
        continue;
      }
      this.#lineEmpty = false;
      // To the line's end by native search; a CR is rare enough to be looked for once.
      if (nextCr >= 0 && nextCr < at) nextCr = chunk.indexOf(CR, at);
      const nextLf = chunk.indexOf(LF, at);
      const end = nextLf < 0 ? nextCr : nextCr < 0 ? nextLf : Math.min(nextLf, nextCr);
      at = end < 0 ? length : end;
    }
    if (blockStart < length) this.#hold(chunk.subarray(blockStart));
  }

  #hold(part: Buffer): void {
    this.#check(part.length);
    this.#held.push(part);
    this.#heldBytes += part.length;
  }

  #check(more: number): void {
    if (this.#heldBytes + more > this.#maxBytes) {
      throw new GatewayError(
        "upstream_invalid",
        `An event of the upstream's stream is larger than ${this.#maxBytes} bytes.`,
      );
    }
  }

  #emit(part: Buffer): void {
    this.#check(part.length);
    const raw = this.#heldBytes === 0 ? part : Buffer.concat([...this.#held, part]);
    this.#held = [];
    this.#heldBytes = 0;
    let first = this.#leadingLf ? 1 : 0;
    this.#leadingLf = false;
    this.#lineEmpty = true;
    // A byte order mark may stand at the very start (section 9.2.5).
    if (!this.#started && raw[0] === 0xef && raw[1] === 0xbb && raw[2] === 0xbf) first = 3;
    this.#started = true;
    this.#onBlock(raw, first);
  }

  /** What came after the last complete block. */
  leftover(): Buffer {
    // The LF of a CRLF whose CR ended the last block.
    const onlyLf = this.#leadingLf && this.#heldBytes === 1;
    return this.#heldBytes === 0 || onlyLf ? empty : Buffer.concat(this.#held);
  }
}

export interface SseRelayOptions {
  /** Sees every block before it is passed on. */
  readonly onEvent?: (event: SseEvent) => SseVerdict | Promise<SseVerdict>;
  /** Passes bytes on, always whole blocks; awaited when it gives a promise. */
  readonly write: (bytes: Buffer) => Promise<void> | void;
  /** Default 1 MiB. */
  readonly maxEventBytes?: number;
  /** Writes a comment when nothing was written for so long. Default: never. */
  readonly keepAliveMs?: number;
}

const MAX_EVENT_BYTES = 1_048_576;
export const sseComment = Buffer.from(": keep-alive\n\n");

/**
 * Relays a stream of server-sent events. Untouched events are passed on as the bytes they came in; only whole blocks are, so that
 * the stream can be ended by an event of our own at any moment, also after the upstream broke off. Resolves with the bytes
 * after the last whole block, empty for a clean end. Rejects as the body does, or with `upstream_invalid` for an event beyond the limit.
 */
export async function relaySse(body: AsyncIterable<Buffer>, options: SseRelayOptions): Promise<Buffer> {
  const { onEvent, write, maxEventBytes = MAX_EVENT_BYTES, keepAliveMs } = options;
  let blocks: { readonly raw: Buffer; readonly first: number }[] = [];
  const framer = new SseFramer(maxEventBytes, (raw, first) => blocks.push({ raw, first }));
  const timer = keepAliveMs === undefined ? undefined : setInterval(() => void write(sseComment), keepAliveMs);
  try {
    for await (const chunk of body) {
      blocks = [];
      let failure: unknown;
      try {
        framer.push(chunk);
      } catch (error) {
        failure = error;
      }
      let run: Buffer[] = [];
      for (const { raw, first } of blocks) {
        const seen = onEvent?.(parseBlock(raw, first));
        const verdict = seen instanceof Promise ? await seen : seen;
        if (verdict === undefined) run.push(raw);
        else if (verdict !== null) run.push(withData(raw, first, verdict));
      }
      if (run.length > 0) {
        const written = write(joined(run, chunk));
        timer?.refresh();
        if (written !== undefined) await written;
      }
      run = [];
      if (failure !== undefined) throw failure;
    }
  } finally {
    clearInterval(timer);
  }
  return framer.leftover();
}

/** The usual chunk is whole and untouched: then its own bytes are passed on, uncopied. */
function joined(run: readonly Buffer[], chunk: Buffer): Buffer {
  const [only] = run;
  if (run.length === 1 && only !== undefined) return only;
  let length = 0;
  let mine = true;
  for (const part of run) {
    length += part.length;
    mine &&=
      part.buffer === chunk.buffer &&
      part.byteOffset >= chunk.byteOffset &&
      part.byteOffset < chunk.byteOffset + chunk.length;
  }
  return mine && length === chunk.length ? chunk : Buffer.concat(run, length);
}

/** One event in bytes. `data` may have several lines; `event` and `id` may not. */
export function sseEvent(data: string, event?: string, id?: string): string {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  const head =
    (event === undefined ? "" : `event: ${oneLine(event)}\n`) + (id === undefined ? "" : `id: ${oneLine(id)}\n`);
  return `${head}${lines.join("")}\n`;
}

function oneLine(text: string): string {
  return text.replace(/[\r\n\0]/g, " ");
}
