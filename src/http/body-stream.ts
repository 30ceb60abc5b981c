import type { IncomingMessage } from "node:http";
import { GatewayError } from "../core/errors.ts";
import type { BodyStream } from "../core/exchange.ts";
import type { Deadline, Deadlines } from "./deadlines.ts";

/** Held for a slow upstream before the caller's socket is paused. */
const HIGH_WATER_BYTES = 65_536;

const done: IteratorReturnResult<undefined> = { done: true, value: undefined };

export interface BodyStreamOptions {
  /** From Content-Length; undefined when it comes in chunks. */
  readonly length: number | undefined;
  readonly limitBytes: number;
  /** Longest silence of the caller while somebody waits for more. */
  readonly silenceMs: number;
  readonly deadlines: Deadlines;
  /** Called once, when the first chunk is asked for. */
  readonly wanted: () => void;
}

interface Waiter {
  readonly resolve: (result: IteratorResult<Buffer, undefined>) => void;
  readonly reject: (reason: unknown) => void;
}

/** One request's body on its way through, within its limit. Rejects with `too_large`, `request_timeout`, `cancelled` or what `fail` was given. */
export class PassingBody implements BodyStream, Deadline {
  place = -1;
  dueTick = 0;
  readonly length: number | undefined;
  readonly #req: IncomingMessage;
  readonly #options: BodyStreamOptions;
  #begun = false;
  #ended = false;
  #failed = false;
  #failure: unknown;
  #chunks: Buffer[] = [];
  #heldBytes = 0;
  #totalBytes = 0;
  #waiter: Waiter | undefined;

  constructor(req: IncomingMessage, options: BodyStreamOptions) {
    this.#req = req;
    this.#options = options;
    this.length = options.length;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#heldBytes -= chunk.length;
      if (this.#heldBytes < HIGH_WATER_BYTES) this.#req.resume();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#failed) return Promise.reject(this.#failure);
    if (this.#ended) return Promise.resolve(done);
    const { deadlines, silenceMs } = this.#options;
    deadlines.set(this, silenceMs);
    const next = new Promise<IteratorResult<Buffer, undefined>>((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
    if (!this.#begun) this.#begin();
    return next;
  }

  /** The rest is not wanted. */
  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.fail(new GatewayError("cancelled", "The rest of the body is not wanted."));
    return Promise.resolve(done);
  }

  /** Ends the reading with an error: the parser gave up, or the request was aborted. Does nothing once it has ended. */
  fail(reason: unknown): void {
    if (this.#ended || this.#failed) return;
    this.#failed = true;
    this.#failure = reason;
    this.#chunks = [];
    this.#options.deadlines.clear(this);
    if (this.#begun) this.#req.pause();
    this.#waiter?.reject(reason);
    this.#waiter = undefined;
  }

  expire(): void {
    this.fail(new GatewayError("request_timeout", `Nothing more of the body came for ${this.#options.silenceMs} ms.`));
  }

  #begin(): void {
    this.#begun = true;
    // Not `error`: `close` follows it. They stay when the reading has ended, and then do nothing.
    this.#req
      .on("data", (chunk: Buffer) => this.#take(chunk))
      .on("end", () => this.#finish())
      .on("close", () => this.fail(new GatewayError("cancelled", "The caller went away.")));
    this.#options.wanted();
  }

  #take(chunk: Buffer): void {
    if (this.#failed) return;
    this.#totalBytes += chunk.length;
    const { limitBytes, deadlines } = this.#options;
    if (this.#totalBytes > limitBytes) return this.fail(tooLarge(limitBytes));
    if (this.#waiter !== undefined) {
      const { resolve } = this.#waiter;
      this.#waiter = undefined;
      deadlines.clear(this);
      resolve({ done: false, value: chunk });
      return;
    }
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes >= HIGH_WATER_BYTES) this.#req.pause();
  }

  #finish(): void {
    if (this.#failed) return;
    this.#ended = true;
    this.#options.deadlines.clear(this);
    this.#waiter?.resolve(done);
    this.#waiter = undefined;
  }
}

export const tooLarge = (limitBytes: number): GatewayError =>
  new GatewayError("too_large", `The body may have ${limitBytes} bytes.`);
