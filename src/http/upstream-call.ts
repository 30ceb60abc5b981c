import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import { GatewayError } from "../core/errors.ts";
import type { BodyStream } from "../core/exchange.ts";
import type { Deadline, Deadlines } from "./deadlines.ts";
import { fromBodyFailure, fromHeadFailure, markUnsent, mayMend } from "./upstream-errors.ts";
import { toCookies, toHeaderList, toHeaders, toVerbatimHeaderList } from "./upstream-headers.ts";
import type { UpstreamRequest, UpstreamResponse } from "./upstream.ts";

const DEFAULT_HEADERS_TIMEOUT_MS = 60_000;
const DEFAULT_IDLE_TIMEOUT_MS = 300_000;
/** Held for a slow consumer before the upstream's socket is paused. */
const HIGH_WATER_BYTES = 65_536;
/** A body that is not wanted is read up to here to keep the connection; beyond it the connection is cheaper to lose. */
const DISCARD_BYTES = 65_536;
/** And this long: a stream may have no end, and one that is kept alive is never silent. */
const DISCARD_MS = 2_000;
/** Answers such as 103 that may come before the real one. */
const MAX_INTERIM = 8;

const empty = Buffer.alloc(0);
const done: IteratorReturnResult<undefined> = { done: true, value: undefined };

const unwanted = () => new GatewayError("cancelled", "The answer was not wanted.");

interface Waiter {
  readonly resolve: (result: IteratorResult<Buffer, undefined>) => void;
  readonly reject: (reason: unknown) => void;
}

/** Where a request goes, as undici wants it said. */
export interface Way {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  /** With the query. */
  readonly path: string;
  /** Whom the certificate has to name: not whom a `host` that is passed on names. */
  readonly servername: string | undefined;
}

/** One request on its way: undici's handler, the response and its body's iterator in one object, because it is made for every request. */
export class UpstreamCall
  implements Dispatcher.DispatchHandler, UpstreamResponse, AsyncIterableIterator<Buffer>, Deadline
{
  place = -1;
  dueTick = 0;
  status = 0;
  headers: Readonly<Record<string, string>> = {};
  cookies: readonly string[] = [];
  readonly #request: UpstreamRequest;
  readonly #way: Way;
  readonly #deadlines: Deadlines;
  readonly #resolve: (response: UpstreamResponse) => void;
  readonly #reject: (reason: unknown) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #interim = 0;
  #sent = false;
  #retried = false;
  #headDone = false;
  #ended = false;
  #discarding = false;
  #failed = false;
  #failure: unknown;
  #chunks: Buffer[] = [];
  #heldBytes = 0;
  #limitBytes = Number.POSITIVE_INFINITY;
  #whole: ((body: Buffer) => void) | undefined;
  #waiter: Waiter | undefined;
  #broken: ((reason: unknown) => void) | undefined;

  constructor(
    request: UpstreamRequest,
    way: Way,
    deadlines: Deadlines,
    resolve: (response: UpstreamResponse) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#request = request;
    this.#way = way;
    this.#deadlines = deadlines;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    const { signal, headersTimeoutMs = DEFAULT_HEADERS_TIMEOUT_MS } = this.#request;
    signal?.addEventListener("abort", this);
    if (headersTimeoutMs > 0) this.#deadlines.set(this, headersTimeoutMs);
    this.#dispatch();
  }

  #dispatch(): void {
    const { method, headers, body, stream, verbatim } = this.#request;
    const { dispatcher, origin, path } = this.#way;
    if (verbatim !== true) {
      dispatcher.dispatch({ origin, path, method, headers: toHeaderList(headers), body: body ?? null }, this);
      return;
    }
    const options = {
      origin,
      path: this.#request.path ?? path,
      method,
      headers: toVerbatimHeaderList(headers, stream?.length),
      body: body ?? (stream === undefined ? null : this.#sending(stream)),
      servername: this.#way.servername,
    };
    dispatcher.dispatch(options as Dispatcher.DispatchOptions, this); // which has no name for `servername` (undici, lib/core/request.js)
  }

  /** The caller's body as undici pulls it. Only while undici does not ask for more is it the upstream that takes its time. */
  #sending(stream: BodyStream): AsyncIterable<Buffer> {
    const { headersTimeoutMs = DEFAULT_HEADERS_TIMEOUT_MS } = this.#request;
    const wait = (ms: number) => {
      if (this.#headDone) return;
      if (ms > 0) this.#deadlines.set(this, ms);
      else this.#deadlines.clear(this);
    };
    return {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          wait(0);
          const next = await stream.next();
          wait(headersTimeoutMs);
          return next;
        },
        return: () => stream.return(),
      }),
    };
  }

  /** The signal's abort: an object as the listener saves a closure a request. */
  handleEvent(): void {
    this.fail(this.#request.signal?.reason);
  }

  /** The head did not come in time, or the body has been silent for too long. */
  expire(): void {
    if (this.#headDone) {
      // Paused, it waits for its reader: that is not the upstream's silence.
      if (this.#controller?.paused === true) this.#awaitBody();
      else if (this.#discarding) this.fail(unwanted());
      else this.fail(new GatewayError("upstream_timeout", "The upstream fell silent."));
      return;
    }
    const error = new GatewayError("upstream_timeout", "The upstream did not answer in time.");
    this.fail(this.#sent ? error : markUnsent(error));
  }

  /** Ends the call with `reason`, whatever it was doing. */
  fail(reason: unknown): void {
    if (this.#ended || this.#failed) return;
    this.#settle(reason);
    this.#controller?.abort(reason instanceof Error ? reason : new Error("aborted", { cause: reason }));
  }

  #awaitBody(): void {
    if (this.#discarding) return;
    const { idleTimeoutMs = DEFAULT_IDLE_TIMEOUT_MS } = this.#request;
    if (idleTimeoutMs > 0) this.#deadlines.set(this, idleTimeoutMs);
    else this.#deadlines.clear(this);
  }

  /** What passed while it was paused was the reader's time: the upstream's silence counts from here. */
  #resume(): void {
    if (this.#controller?.paused !== true) return;
    this.#awaitBody();
    this.#controller.resume();
  }

  #settle(reason: unknown): void {
    this.#release();
    this.#failed = true;
    this.#failure = reason;
    this.#chunks = [];
    if (!this.#headDone) {
      this.#headDone = true;
      this.#reject(reason);
    }
    this.#waiter?.reject(reason);
    this.#broken?.(reason);
    this.#waiter = undefined;
    this.#broken = undefined;
    this.#whole = undefined;
  }

  #release(): void {
    this.#deadlines.clear(this);
    this.#request.signal?.removeEventListener("abort", this);
    // Where nothing of it was sent, another call may send it.
    if (this.#sent) void this.#request.stream?.return();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Aborted while it waited for a connection: undici sends nothing then.
    if (this.#failed) controller.abort(new Error("aborted before it was sent"));
    else this.#sent = true;
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, parsed: IncomingHttpHeaders): void {
    if (status < 200) {
      if (++this.#interim > MAX_INTERIM) {
        this.fail(new GatewayError("upstream_invalid", "The upstream sent too many interim answers."));
      }
      return;
    }
    this.status = status;
    this.headers = toHeaders(parsed);
    this.cookies = toCookies(parsed);
    const encoding = this.headers["content-encoding"];
    if (
      encoding !== undefined &&
      encoding !== "identity" &&
      this.#request.verbatim !== true &&
      this.#request.headers["accept-encoding"] === undefined
    ) {
      this.fail(new GatewayError("upstream_invalid", "The upstream compressed its answer without being asked."));
      return;
    }
    this.#headDone = true;
    this.#awaitBody();
    this.#resolve(this);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#failed) return;
    this.#awaitBody();
    if (this.#waiter !== undefined) {
      const { resolve } = this.#waiter;
      this.#waiter = undefined;
      resolve({ done: false, value: chunk });
      return;
    }
    this.#heldBytes += chunk.length;
    if (this.#discarding) {
      if (this.#heldBytes > DISCARD_BYTES) this.fail(unwanted());
      return;
    }
    this.#chunks.push(chunk);
    if (this.#whole === undefined) {
      if (this.#heldBytes >= HIGH_WATER_BYTES) controller.pause();
    } else if (this.#heldBytes > this.#limitBytes) this.#tooLarge();
  }

  onResponseEnd(): void {
    if (this.#failed) return;
    this.#ended = true;
    this.#release();
    this.#waiter?.resolve(done);
    this.#waiter = undefined;
    this.#whole?.(this.#takeAll());
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (this.#failed || this.#ended) return;
    if (this.#headDone) this.#settle(fromBodyFailure(error));
    else if (!this.#sent && !this.#retried && mayMend(error)) {
      this.#retried = true;
      this.#dispatch();
    } else this.#settle(fromHeadFailure(error, this.#sent));
  }

  get body(): AsyncIterable<Buffer> {
    return this;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#heldBytes -= chunk.length;
      if (this.#heldBytes < HIGH_WATER_BYTES) this.#resume();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#failed) return Promise.reject(this.#failure);
    if (this.#ended) return Promise.resolve(done);
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  /** The consumer broke out of its loop: the rest is not wanted. */
  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.discard();
    return Promise.resolve(done);
  }

  bytes(limitBytes: number): Promise<Buffer> {
    if (this.#failed) return Promise.reject(this.#failure);
    const announced = Number(this.headers["content-length"]);
    return new Promise((resolve, reject) => {
      this.#limitBytes = limitBytes;
      this.#broken = reject;
      if (announced > limitBytes || this.#heldBytes > limitBytes) this.#tooLarge();
      else if (this.#ended) resolve(this.#takeAll());
      else {
        this.#whole = resolve;
        this.#resume();
      }
    });
  }

  #tooLarge(): void {
    const error = new GatewayError(
      "upstream_invalid",
      `The upstream's answer is larger than ${this.#limitBytes} bytes.`,
    );
    if (this.#ended) this.#settle(error);
    else this.fail(error);
  }

  #takeAll(): Buffer {
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks.length === 1 && chunks[0] !== undefined
      ? chunks[0]
      : chunks.length === 0
        ? empty
        : Buffer.concat(chunks);
  }

  cancel(): void {
    this.fail(unwanted());
  }

  discard(): void {
    if (this.#ended || this.#failed) return;
    this.#discarding = true;
    this.#heldBytes = 0;
    this.#chunks = [];
    this.#deadlines.set(this, DISCARD_MS);
    this.#resume();
  }
}
