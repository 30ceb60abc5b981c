import { GatewayError } from "../core/errors.ts";

const LF = 0x0a;
const CR = 0x0d;
const DATA = Buffer.from("data");

/**
 * The payloads of a text/event-stream (WHATWG HTML, 9.2.6), as bytes. Events without data are left out, so are comments, ids and retry times.
 * Throws `upstream_invalid` when one event is longer than `limitBytes`.
 */
export async function* sseMessages(body: AsyncIterable<Buffer>, limitBytes: number): AsyncGenerator<Buffer> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let data: Buffer[] = [];
  let dataBytes = 0;
  let skipLf = false;
  for await (const chunk of body) {
    let at = 0;
    if (skipLf && chunk[0] === LF) at = 1;
    if (chunk.length > 0) skipLf = false;
    while (at < chunk.length) {
      const end = lineEnd(chunk, at);
      const piece = chunk.subarray(at, end === -1 ? chunk.length : end);
      pendingBytes += piece.length;
      if (pendingBytes + dataBytes > limitBytes) throw new GatewayError("upstream_invalid", "The MCP server sent a message that is too large.");
      if (end === -1) {
        pending.push(piece);
        break;
      }
      const line = pending.length === 0 ? piece : Buffer.concat([...pending, piece]);
      pending = [];
      pendingBytes = 0;
      at = end + 1;
      if (chunk[end] === CR) {
        if (at < chunk.length && chunk[at] === LF) at += 1;
        else if (at === chunk.length) skipLf = true;
      }
      if (line.length === 0) {
        if (dataBytes > 0) yield data.length === 1 ? data[0]! : Buffer.concat(data);
        data = [];
        dataBytes = 0;
        continue;
      }
      const value = dataOf(line);
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

function dataOf(line: Buffer): Buffer | undefined {
  if (line.length < 5 || line[4] !== 0x3a || line.compare(DATA, 0, 4, 0, 4) !== 0) return undefined;
  return line.subarray(line[5] === 0x20 ? 6 : 5);
}
