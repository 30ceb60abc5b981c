import { GatewayError } from "../core/errors.ts";

/** One block of an event stream with its blank line, byte for byte: an event, or comments alone. */
export interface EventBlock {
  readonly raw: Buffer;
  /** The `data` lines joined; empty for comments. */
  readonly data: string;
}

const LF = 0x0a;
const CR = 0x0d;

/**
 * Cuts a body into whole blocks (HTML, "Server-sent events", 9.2.6), so that whatever is written between two of them falls between events.
 * A block beyond `limitBytes` and a body that ends inside a block are errors.
 */
export async function* readEventBlocks(body: AsyncIterable<Buffer>, limitBytes: number): AsyncGenerator<EventBlock> {
  let pending: Buffer = Buffer.alloc(0);
  let scanned = 0;
  for await (const chunk of body) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    let start = 0;
    for (;;) {
      const end = blockEnd(pending, start, scanned);
      if (end === -1) break;
      const raw = pending.subarray(start, end);
      if (raw.length > limitBytes) throw tooLarge(limitBytes);
      yield { raw, data: dataOf(raw) };
      start = end;
      scanned = end;
    }
    pending = pending.subarray(start);
    if (pending.length > limitBytes) throw tooLarge(limitBytes);
    // The last bytes may be the first half of the blank line.
    scanned = Math.max(0, pending.length - 3);
  }
  if (pending.toString("latin1").trim() !== "")
    throw new GatewayError("upstream_truncated", "The agent's stream broke off inside an event.");
}

function tooLarge(limitBytes: number): GatewayError {
  return new GatewayError("upstream_invalid", `The agent sent an event of more than ${limitBytes} bytes.`);
}

/** The index after the blank line that ends the block at `start`, or -1. */
function blockEnd(bytes: Buffer, start: number, from: number): number {
  let at = Math.max(start, from);
  for (;;) {
    const lineFeed = bytes.indexOf(LF, at);
    if (lineFeed === -1) return -1;
    const before = bytes[lineFeed - 1] === CR && lineFeed - 1 >= start ? lineFeed - 1 : lineFeed;
    if (before === start || bytes[before - 1] === LF) return lineFeed + 1;
    at = lineFeed + 1;
  }
}

function dataOf(raw: Buffer): string {
  const text = raw.toString("utf8");
  if (text.startsWith("data:") && text.indexOf("\n") === text.trimEnd().length) return text.slice(5).trim();
  const lines: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (line === "data") lines.push("");
    else if (line.startsWith("data:")) lines.push(line.startsWith("data: ") ? line.slice(6) : line.slice(5));
  }
  return lines.join("\n");
}
