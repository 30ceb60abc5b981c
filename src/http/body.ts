import type { IncomingMessage } from "node:http";
import { GatewayError } from "../core/errors.ts";
import type { Deadline, Deadlines } from "./deadlines.ts";

/** Memory for request bodies, shared by all requests of a process. */
export interface BufferBudget {
  readonly usedBytes: number;
  /** False, and nothing reserved, when it does not fit. */
  reserve(bytes: number): boolean;
  release(bytes: number): void;
}

export function createBufferBudget(limitBytes: number): BufferBudget {
  let used = 0;
  return {
    get usedBytes() {
      return used;
    },
    reserve(bytes) {
      if (used + bytes > limitBytes) return false;
      used += bytes;
      return true;
    },
    release(bytes) {
      used -= bytes;
    },
  };
}

/** Throws `unsupported_media` unless the body is plain (and, where asked, JSON). No encoded body is taken: it can be 600,000 times what it looks like. */
export function checkMedia(headers: Readonly<Record<string, string>>, json: boolean): void {
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw new GatewayError(
      "unsupported_media",
      "Compressed request bodies are not accepted: send it without Content-Encoding.",
      {
        headers: { "accept-encoding": "identity" },
      },
    );
  }
  // The usual spelling is not matched against all of them.
  const type = headers["content-type"];
  if (json && type !== "application/json" && !/^application\/(?:[\w.-]+\+)?json[\t ]*(?:;|$)/i.test(type ?? "")) {
    throw new GatewayError("unsupported_media", "The body must come with Content-Type: application/json.");
  }
}

/** Who pays for a body's memory, and gives it back when the exchange ends. */
export interface BodyHolder {
  /** Called before bytes are kept; false: there is no room. */
  reserve(bytes: number): boolean;
}

export interface BodyOptions {
  /** From Content-Length; -1 when there is none. */
  readonly announcedBytes: number;
  readonly limitBytes: number;
  /** For the whole body to arrive. */
  readonly timeoutMs: number;
  readonly deadlines: Deadlines;
  readonly holder: BodyHolder;
}

const empty = Buffer.alloc(0);
const reader = Symbol("reader");

interface ReadRequest extends IncomingMessage {
  [reader]?: BodyReading;
}

/* Node calls listeners with the request as `this`: three functions for all requests instead of six closures for each. */
function onData(this: ReadRequest, chunk: Buffer): void {
  this[reader]?.take(chunk);
}

function onEnd(this: ReadRequest): void {
  this[reader]?.finish();
}

function onClose(this: ReadRequest): void {
  this[reader]?.breakOff();
}

/** The reading of one request's body within its limits. Rejects with `too_large`, `overloaded`, `request_timeout` or `cancelled`. */
export class BodyReading implements Deadline {
  readonly body: Promise<Buffer>;
  place = -1;
  dueTick = 0;
  readonly #req: IncomingMessage;
  readonly #options: BodyOptions;
  #resolve: ((body: Buffer) => void) | undefined;
  #reject: ((error: GatewayError) => void) | undefined;
  #first: Buffer | undefined;
  #rest: Buffer[] | undefined;
  #whole: Buffer | undefined;
  #length = 0;

  constructor(req: ReadRequest, options: BodyOptions) {
    this.#req = req;
    this.#options = options;
    this.body = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (options.announcedBytes > options.limitBytes) {
      this.#tooLarge();
      return;
    }
    options.deadlines.set(this, options.timeoutMs);
    req[reader] = this;
    // Not `error`: `close` follows it. They stay when the reading has ended, and then do nothing.
    req.on("data", onData).on("end", onEnd).on("close", onClose);
  }

  take(chunk: Buffer): void {
    if (this.#resolve === undefined) return;
    const { limitBytes, announcedBytes, holder } = this.#options;
    if (this.#length + chunk.length > limitBytes) return this.#tooLarge();
    if (!holder.reserve(chunk.length)) {
      const headers = { "retry-after": "1" };
      return this.fail(
        new GatewayError("overloaded", "The gateway has no memory left for this body: try again.", { headers }),
      );
    }
    if (this.#first === undefined) this.#first = chunk;
    else if (announcedBytes >= 0) {
      // One copy into place. Pages that are never filled cost nothing.
      this.#whole ??= startWhole(this.#first, announcedBytes);
      chunk.copy(this.#whole, this.#length);
    } else (this.#rest ??= [this.#first]).push(chunk);
    this.#length += chunk.length;
  }

  finish(): void {
    const rest = this.#rest;
    const body = this.#whole ?? (rest === undefined ? (this.#first ?? empty) : Buffer.concat(rest, this.#length));
    this.#resolve?.(body);
    this.#settle();
  }

  breakOff(): void {
    // Every request closes, and an error with its stack costs as much as a tenth of a request.
    if (this.#reject !== undefined) this.fail(new GatewayError("cancelled", "The caller went away."));
  }

  expire(): void {
    const { timeoutMs } = this.#options;
    this.fail(new GatewayError("request_timeout", `The body did not arrive within ${timeoutMs} ms.`));
  }

  /** Ends the reading with an error: the parser gave up, or the request was aborted. Does nothing once it has ended. */
  fail(error: GatewayError): void {
    if (this.#reject === undefined) return;
    this.#req.pause();
    this.#reject(error);
    this.#settle();
  }

  #tooLarge(): void {
    this.fail(new GatewayError("too_large", `The body may have ${this.#options.limitBytes} bytes.`));
  }

  /* The request stays reachable from its socket for a while; its body need not. */
  #settle(): void {
    this.#options.deadlines.clear(this);
    this.#resolve = undefined;
    this.#reject = undefined;
    this.#first = undefined;
    this.#rest = undefined;
    this.#whole = undefined;
  }
}

function startWhole(first: Buffer, size: number): Buffer {
  const whole = Buffer.allocUnsafeSlow(size);
  first.copy(whole);
  return whole;
}
