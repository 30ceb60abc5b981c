import type { IncomingMessage, ServerResponse } from "node:http";
import type { AnswerHeaders, Reply } from "../core/exchange.ts";

/** What an unread request body may still send after its answer, so that the caller reads the answer and not a reset. */
const LINGER_MS = 500;

/*
 * Node joins the head with a body that is a string, and writes both in one; beside a Buffer the head is a write of its own, corked
 * and gathered. Latin-1 keeps every byte as it is. Up to here the copy costs less than the second write.
 */
const JOINED_BYTES = 16_384;

/* Node writes these itself; from an upstream they would be about another connection. */
const ours = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
  "trailer",
  "te",
  "proxy-connection",
  "date",
]);

export interface ServerReplyOptions {
  readonly id: string;
  /** Whether the request's body has not come to its end yet: its connection cannot be used again. */
  readonly bodyUnread: () => boolean;
  /** Whether the connection is to end with this answer. */
  readonly closing: () => boolean;
  /** Longest time without a byte taken by the caller. */
  readonly slowReaderMs: number;
}

/** The answer to one request over Node's response. Its headers go out in one write with the first bytes of the body. */
export class ServerReply implements Reply {
  started = false;
  status = 0;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #options: ServerReplyOptions;
  #extra: Record<string, string> | undefined;
  #ended = false;
  #gone = false;
  #full: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  constructor(req: IncomingMessage, res: ServerResponse, options: ServerReplyOptions) {
    this.#req = req;
    this.#res = res;
    this.#options = options;
  }

  /** True once the answer is complete on this side. */
  get ended(): boolean {
    return this.#ended;
  }

  /** True once nothing can be sent any more. */
  get gone(): boolean {
    return this.#gone;
  }

  setHeader(name: string, value: string): void {
    this.#extra ??= Object.create(null) as Record<string, string>;
    this.#extra[name] = value;
  }

  /** Hands the collected headers to the response, for a library that answers by itself. */
  release(): void {
    this.#res.setHeader("x-request-id", this.#options.id);
    for (const name in this.#extra) this.#res.setHeader(name, this.#extra[name] ?? "");
    if (this.#options.closing()) this.#res.setHeader("connection", "close");
    this.#ended = true;
    this.started = true;
  }

  #writeHead(status: number, headers: AnswerHeaders, length: number | undefined): void {
    const list: string[] = ["x-request-id", this.#options.id];
    for (const name in headers) {
      const value = headers[name];
      if (value === undefined || ours.has(name) || (length !== undefined && name === "content-length")) continue;
      if (typeof value === "string") list.push(name, value);
      else for (const line of value) list.push(name, line);
    }
    for (const name in this.#extra) {
      if (headers[name] === undefined) list.push(name, this.#extra[name] ?? "");
    }
    if (length !== undefined && status !== 204 && status !== 304) list.push("content-length", String(length));
    if (this.#options.closing() || this.#options.bodyUnread()) list.push("connection", "close");
    this.#res.writeHead(status, list);
    this.status = status;
    this.started = true;
  }

  send(status: number, headers: AnswerHeaders, body?: Buffer | string): void {
    if (this.#gone || this.started) return;
    this.#writeHead(status, headers, body === undefined ? 0 : Buffer.byteLength(body));
    this.#ended = true;
    this.#finish(body);
  }

  open(status: number, headers: AnswerHeaders): void {
    if (this.#gone || this.started) return;
    this.#writeHead(status, headers, undefined);
    this.#res.flushHeaders();
  }

  write(chunk: Buffer | string): Promise<void> | void {
    if (this.#gone || this.#ended || chunk.length === 0) return;
    if (this.#res.write(chunk)) return;
    if (this.#full !== undefined) return this.#full;
    // Node's own socket timeout counts only while no byte is taken, and breaks the connection.
    this.#res.socket?.setTimeout(this.#options.slowReaderMs);
    this.#full = new Promise((resolve) => {
      this.#drained = resolve;
    });
    this.#res.once("drain", () => this.#onDrain());
    return this.#full;
  }

  #onDrain(): void {
    this.#res.socket?.setTimeout(0);
    this.#drained?.();
    this.#drained = undefined;
    this.#full = undefined;
  }

  end(): void {
    if (this.#gone || this.#ended) return;
    this.#ended = true;
    this.#finish(undefined);
  }

  #finish(body: Buffer | string | undefined): void {
    if (this.#options.bodyUnread()) return this.#linger(body);
    if (typeof body === "object" && body.length <= JOINED_BYTES) this.#res.end(body.toString("latin1"), "latin1");
    else this.#res.end(body);
    const { socket } = this.#res;
    if (socket !== null && socket.writableLength > 0) socket.setTimeout(this.#options.slowReaderMs);
  }

  /** Closing a socket with unread bytes resets it, and a reset can overtake the answer: read on for a moment, then close. */
  #linger(body: Buffer | string | undefined): void {
    const res = this.#res;
    if (body !== undefined && body.length > 0) res.write(body);
    else res.flushHeaders();
    const finish = () => {
      clearTimeout(timer);
      res.end();
    };
    const timer = setTimeout(finish, LINGER_MS);
    res.once("close", () => clearTimeout(timer));
    this.#req.once("end", finish);
    this.#req.resume();
  }

  destroy(): void {
    this.#ended = true;
    this.#res.destroy();
  }

  /** The connection is gone: nothing can be sent any more, and nobody may wait. */
  markGone(): void {
    this.#gone = true;
    this.#drained?.();
    this.#drained = undefined;
  }
}
