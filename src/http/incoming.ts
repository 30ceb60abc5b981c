import type { IncomingMessage, ServerResponse } from "node:http";
import { LightAbortSignal } from "../core/abort.ts";
import { GatewayError } from "../core/errors.ts";
import type { BodyStream, CanonicalRequest } from "../core/exchange.ts";
import { BodyReading, checkMedia, type BodyHolder, type BufferBudget } from "./body.ts";
import { PassingBody, tooLarge } from "./body-stream.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Incoming, ReadBodyOptions } from "./edge.ts";
import { ServerReply, type ServerReplyOptions } from "./reply.ts";

export interface IncomingSettings {
  readonly budget: BufferBudget;
  readonly bodyTimeoutMs: number;
  readonly deadlines: Deadlines;
  readonly slowReaderMs: number;
  /** Whether connections are to end with their present answer. */
  readonly draining: () => boolean;
  /** Told once, when the response is out or its connection is gone. */
  readonly closed: (exchange: ServerExchange) => void;
}

const exchange = Symbol("exchange");

interface OwnResponse extends ServerResponse {
  [exchange]?: ServerExchange;
}

/* One function for all: Node calls it with the response as `this`. */
function onClose(this: OwnResponse): void {
  this[exchange]?.close();
}

/** One request between the moment its head was read and the moment its answer is out. */
export class ServerExchange implements Incoming, ServerReplyOptions, BodyHolder {
  readonly id: string;
  readonly reply: ServerReply;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly signal = new LightAbortSignal();
  /** Where the edge keeps it among those under way. */
  place = -1;
  /** The connection cannot be read any further: it ends with this answer. */
  lastOnConnection = false;
  /** A library answers this request with Node's own objects. */
  handedOver = false;
  #request: CanonicalRequest | undefined;
  readonly #settings: IncomingSettings;
  readonly #expectsContinue: boolean;
  #reading: BodyReading | undefined;
  #passing: PassingBody | undefined;
  #bodyFailure: GatewayError | undefined;
  #reserved = 0;

  constructor(
    id: string,
    req: IncomingMessage,
    res: OwnResponse,
    settings: IncomingSettings,
    expectsContinue: boolean,
  ) {
    this.id = id;
    this.req = req;
    this.res = res;
    this.#settings = settings;
    this.#expectsContinue = expectsContinue;
    this.reply = new ServerReply(req, res, this);
    res[exchange] = this;
    res.on("close", onClose);
  }

  get slowReaderMs(): number {
    return this.#settings.slowReaderMs;
  }

  bodyUnread(): boolean {
    return !this.req.complete && this.hasBody;
  }

  closing(): boolean {
    return this.lastOnConnection || this.#settings.draining();
  }

  reserve(bytes: number): boolean {
    const fits = this.#settings.budget.reserve(bytes);
    if (fits) this.#reserved += bytes;
    return fits;
  }

  get request(): CanonicalRequest {
    if (this.#request === undefined) throw new Error("The request has not been read yet.");
    return this.#request;
  }

  set request(request: CanonicalRequest) {
    this.#request = request;
  }

  /** Where the request has not been read: what its target looks like, good for choosing the shape of an error and nothing else. */
  get path(): string {
    if (this.#request !== undefined) return this.#request.path;
    const { url = "" } = this.req;
    const end = url.indexOf("?");
    return url.startsWith("/") ? url.slice(0, end < 0 ? undefined : end) : "";
  }

  get hasBody(): boolean {
    // The parser's own view: an answer may be due before the canonical request exists.
    const length =
      this.#request === undefined ? this.req.headers["content-length"] : this.#request.headers["content-length"];
    return length === undefined ? this.req.headers["transfer-encoding"] !== undefined : length !== "0";
  }

  readBody({ limitBytes, json = true }: ReadBodyOptions): Promise<Buffer> {
    if (this.#reading !== undefined) return this.#reading.body;
    if (this.#bodyFailure !== undefined) return Promise.reject(this.#bodyFailure);
    if (this.signal.aborted) return Promise.reject(this.signal.reason);
    const { headers } = this.request;
    try {
      checkMedia(headers, json);
    } catch (error) {
      return Promise.reject(error);
    }
    const announcedBytes = Number(headers["content-length"] ?? -1);
    const { bodyTimeoutMs: timeoutMs, deadlines } = this.#settings;
    this.#reading = new BodyReading(this.req, { announcedBytes, limitBytes, timeoutMs, deadlines, holder: this });
    // Not before somebody wants the body: a caller without a token need not send it at all.
    if (this.#expectsContinue && announcedBytes <= limitBytes) this.res.writeContinue();
    return this.#reading.body;
  }

  streamBody(limitBytes: number): BodyStream | undefined {
    if (!this.hasBody) return undefined;
    if (this.#bodyFailure !== undefined) throw this.#bodyFailure;
    const announced = this.request.headers["content-length"];
    const length = announced === undefined ? undefined : Number(announced);
    if (length !== undefined && length > limitBytes) throw tooLarge(limitBytes);
    const { bodyTimeoutMs: silenceMs, deadlines } = this.#settings;
    // A caller that waits for 100 need not send anything before an upstream takes it.
    const wanted = () => this.#expectsContinue && this.res.writeContinue();
    this.#passing = new PassingBody(this.req, { length, limitBytes, silenceMs, deadlines, wanted });
    return this.#passing;
  }

  raw(): { readonly req: IncomingMessage; readonly res: ServerResponse } {
    const { req, res } = this;
    const { path, query, headers } = this.request;
    const chunked = req.headers["transfer-encoding"];
    req.url = query === "" ? path : `${path}?${query}`;
    req.headers = { ...headers, ...(chunked === undefined ? {} : { "transfer-encoding": chunked }) };
    this.reply.release();
    this.handedOver = true;
    if (this.hasBody) this.#expectWhole();
    if (this.#expectsContinue) res.writeContinue();
    return { req, res };
  }

  /** A library reads as long as anything comes: what is not there in time breaks the connection. */
  #expectWhole(): void {
    const { req } = this;
    const { deadlines, bodyTimeoutMs } = this.#settings;
    const deadline = { place: -1, dueTick: 0, expire: () => void (req.complete || req.destroy()) };
    deadlines.set(deadline, bodyTimeoutMs);
    req.once("close", () => deadlines.clear(deadline));
  }

  /** The parser gave up inside this request's body. */
  failBody(error: GatewayError): void {
    this.lastOnConnection = true;
    this.#bodyFailure = error;
    this.#reading?.fail(error);
    this.#passing?.fail(error);
  }

  abort(reason: GatewayError): void {
    if (this.signal.aborted) return;
    this.#reading?.fail(reason);
    this.#passing?.fail(reason);
    this.signal.abort(reason);
  }

  /** The response is out or its connection is gone: gives everything back. */
  close(): void {
    const finished = this.res.writableFinished;
    this.reply.markGone();
    if (!finished) this.abort(new GatewayError("cancelled", "The caller went away."));
    this.#settings.budget.release(this.#reserved);
    this.#reserved = 0;
    this.#settings.closed(this);
  }
}
