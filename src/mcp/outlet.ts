import type { OpenSet, Placed } from "../core/open-set.ts";
import type { Exchange } from "../core/exchange.ts";
import type { RenderedError } from "../core/step.ts";

/** One whole answer: HTTP status, headers and body. */
export type Answer = Omit<RenderedError, "body"> & { readonly body: string | Buffer };

const SSE_HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};
const NEWLINE = /[\r\n]+/g;

/** Keeps idle streams open through proxies that cut silent connections: 15 s is what the SDKs use. */
export const KEEP_ALIVE_MS = 15_000;

/** The client's side of one POST or GET: whole JSON as long as possible, an event stream from the first message that is not the answer. */
export class Outlet implements Placed {
  place = -1;
  readonly #exchange: Exchange;
  readonly #open: OpenSet<Outlet>;
  #streaming = false;
  #closed = false;

  constructor(exchange: Exchange, open: OpenSet<Outlet>) {
    this.#exchange = exchange;
    this.#open = open;
  }

  /** Opens the stream without a message. */
  start(): void {
    if (this.#streaming || this.#closed) return;
    this.#streaming = true;
    this.#open.add(this);
    this.#exchange.reply.open(200, SSE_HEADERS);
  }

  /** One message before the answer; opens the stream. */
  event(message: Buffer | string): void | Promise<void> {
    if (this.#closed) return;
    this.start();
    return this.#exchange.reply.write(frame(message));
  }

  keepAlive(): void {
    void this.#exchange.reply.write(": \n\n");
  }

  /** The answer, which ends the exchange. Undefined: nothing further, as after a cancellation. */
  async finish(answer: Answer | undefined): Promise<void> {
    if (this.#closed) return;
    if (this.#streaming) {
      if (answer !== undefined && answer.body.length > 0) await this.#exchange.reply.write(frame(answer.body));
      this.close();
      return;
    }
    this.#closed = true;
    if (answer === undefined) this.#exchange.reply.send(200, SSE_HEADERS, "");
    else this.#exchange.reply.send(answer.status, answer.headers, answer.body);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#open.delete(this);
    if (this.#streaming) this.#exchange.reply.end();
  }
}

/* JSON has raw line breaks only between its tokens, where a space means the same. */
function frame(message: Buffer | string): Buffer | string {
  if (typeof message === "string") return `event: message\ndata: ${message.replace(NEWLINE, " ")}\n\n`;
  if (message.includes(0x0a) || message.includes(0x0d)) return frame(message.toString("utf8"));
  return Buffer.concat([HEAD, message, TAIL]);
}

const HEAD = Buffer.from("event: message\ndata: ");
const TAIL = Buffer.from("\n\n");
