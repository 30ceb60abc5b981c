import { connect } from "node:net";
import type { Socket } from "node:net";

export interface RawAnswer {
  readonly status: number;
  readonly body: Buffer;
  /** Milliseconds from the request to the first byte of the body, and to the last. */
  readonly firstByteMs: number;
  readonly totalMs: number;
}

const CRLF = Buffer.from("\r\n");
const HEAD_END = Buffer.from("\r\n\r\n");

/** One keep-alive connection that sends one request at a time: a load generator must cost less than what it measures. */
export class HttpConnection {
  readonly #socket: Socket;
  #received: Buffer[] = [];
  #startedAtMs = 0;
  #firstByteMs = 0;
  #settle: { resolve: (answer: RawAnswer) => void; reject: (error: Error) => void } | undefined;

  constructor(url: URL) {
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.#socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("close", () => this.#fail(new Error("the connection was closed")));
  }

  /** `request` is the whole request, head and body. */
  send(request: Buffer): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#received = [];
      this.#firstByteMs = 0;
      this.#startedAtMs = performance.now();
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    this.#settle?.reject(error);
    this.#settle = undefined;
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk);
    // A stream's last bytes tell that it is over; only then is it worth joining.
    const bytes = this.#received.length === 1 ? chunk : this.#joinIfOver(chunk);
    if (bytes === undefined) return;
    const headEnd = bytes.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const bodyStart = headEnd + 4;
    if (this.#firstByteMs === 0 && bytes.length > bodyStart) this.#firstByteMs = performance.now() - this.#startedAtMs;
    const head = bytes.toString("latin1", 0, headEnd);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    const body = length === undefined ? readChunked(bytes, bodyStart) : readSized(bytes, bodyStart, Number(length));
    if (body === undefined) return;
    const answer = {
      status: Number(head.slice(9, 12)),
      body,
      firstByteMs: this.#firstByteMs,
      totalMs: performance.now() - this.#startedAtMs,
    };
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.resolve(answer);
  }

  #joinIfOver(last: Buffer): Buffer | undefined {
    const first = this.#received[0] as Buffer;
    if (this.#firstByteMs === 0) this.#firstByteMs = performance.now() - this.#startedAtMs;
    const chunked =
      first.indexOf("ransfer-encoding: chunked") !== -1 || first.indexOf("ransfer-Encoding: chunked") !== -1;
    if (
      chunked &&
      !(last.length >= 5 ? last.subarray(-5) : Buffer.concat(this.#received.slice(-3)).subarray(-5)).equals(
        Buffer.from("0\r\n\r\n"),
      )
    )
      return undefined;
    const joined = Buffer.concat(this.#received);
    this.#received = [joined];
    return joined;
  }
}

function readSized(bytes: Buffer, start: number, length: number): Buffer | undefined {
  return bytes.length >= start + length ? bytes.subarray(start, start + length) : undefined;
}

/** The payload of a chunked body; undefined while its last chunk has not come. */
function readChunked(bytes: Buffer, start: number): Buffer | undefined {
  const parts: Buffer[] = [];
  let at = start;
  for (;;) {
    const lineEnd = bytes.indexOf(CRLF, at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    const end = lineEnd + 2 + size;
    if (bytes.length < end + 2) return undefined;
    if (size === 0) return parts.length === 1 ? parts[0] : Buffer.concat(parts);
    parts.push(bytes.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}
