import { GatewayError } from "../core/errors.ts";

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const BYTE_ORDER_MARK = "\u{FEFF}";

/** Where a stream may be taken up again, and how long the server asks to wait before that (WHATWG HTML, 9.2.6; 2025-11-25, "Resumability"). */
export interface SsePosition {
  lastEventId: string;
  retryMs: number;
}

/**
 * The payloads of a text/event-stream (WHATWG HTML, 9.2.6), as bytes. Events without data are left out; ids and retry times go to `position`.
 * Throws `upstream_invalid` when one event is longer than `limitBytes`.
 */
export async function* sseMessages(
  body: AsyncIterable<Buffer>,
  limitBytes: number,
  position: SsePosition,
): AsyncGenerator<Buffer> {
  let eventId: string | undefined;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let data: Buffer[] = [];
  let dataBytes = 0;
  let skipLf = false;
  let first = true;
  for await (const chunk of body) {
    let at = 0;
    if (skipLf && chunk[0] === LF) at = 1;
    if (chunk.length > 0) skipLf = false;
    while (at < chunk.length) {
      const end = lineEnd(chunk, at);
      const piece = chunk.subarray(at, end === -1 ? chunk.length : end);
      pendingBytes += piece.length;
      if (pendingBytes + dataBytes > limitBytes)
        throw new GatewayError("upstream_invalid", "The MCP server sent a message that is too large.");
      if (end === -1) {
        pending.push(piece);
        break;
      }
      let line = pending.length === 0 ? piece : Buffer.concat([...pending, piece]);
      if (first && line.toString("utf8", 0, 3) === BYTE_ORDER_MARK) line = line.subarray(3);
      first = false;
      pending = [];
      pendingBytes = 0;
      at = end + 1;
      if (chunk[end] === CR) {
        if (at < chunk.length && chunk[at] === LF) at += 1;
        else if (at === chunk.length) skipLf = true;
      }
      if (line.length === 0) {
        if (eventId !== undefined) position.lastEventId = eventId;
        const whole = data.length === 1 ? data[0]! : Buffer.concat(data);
        data = [];
        dataBytes = 0;
        if (whole.length > 0) yield whole;
        continue;
      }
      const id = valueOf(line, "id");
      if (id !== undefined) eventId = id.toString("utf8");
      const retry = valueOf(line, "retry");
      if (retry !== undefined && /^\d{1,6}$/.test(retry.toString("latin1")))
        position.retryMs = Number(retry.toString("latin1"));
      const value = valueOf(line, "data");
      if (value === undefined) continue;
      if (data.length > 0) data.push(Buffer.from("\n"));
      data.push(value);
      dataBytes += value.length + 1;
    }
  }
  /* An event that no empty line closed is dropped: the stream broke off inside it. */
}

function lineEnd(chunk: Buffer, at: number): number {
  const lf = chunk.indexOf(LF, at);
  const cr = chunk.indexOf(CR, at);
  return lf === -1 ? cr : cr === -1 ? lf : Math.min(lf, cr);
}

function valueOf(line: Buffer, field: string): Buffer | undefined {
  if (line.toString("latin1", 0, field.length) !== field) return undefined;
  if (line.length === field.length) return line.subarray(field.length);
  if (line[field.length] !== COLON) return undefined;
  return line.subarray(line[field.length + 1] === 0x20 ? field.length + 2 : field.length + 1);
}
