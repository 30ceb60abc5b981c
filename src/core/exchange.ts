import type { AbortSignalLike } from "./abort.ts";
import type { Chain } from "./chain.ts";
import type { Log } from "./log.ts";
import type { ModelRule } from "./model-rule.ts";
import type { Principal } from "./principal.ts";
import type { Protocol } from "./operation.ts";

/** Where a request came in, beside the one that `listen` says. */
export interface Listener {
  /** As the configuration calls it. */
  readonly name: string;
  readonly scheme: "http" | "https";
  /** As callers see it; undefined: the one of the public address. */
  readonly port: number | undefined;
}

/** The one reading of a request that authentication, policy, dispatch and forwarding share. Built once, by the edge. */
export interface CanonicalRequest {
  /** Upper case. */
  readonly method: string;
  /** Absolute path: no dot segments, no encoded slash, no path parameters, no empty segments. */
  readonly path: string;
  /** Without the question mark; empty when there is none. */
  readonly query: string;
  /** Lower-case names, no prototype. A header that may occur once did occur at most once. */
  readonly headers: Readonly<Record<string, string>>;
  /** Host and port as checked against the hosts this gateway serves. */
  readonly host: string;
  readonly scheme: "http" | "https";
  /** The listener it belongs to; absent: the one of `listen`. */
  readonly listener?: Listener | undefined;
  /** The caller's address, after the trusted proxies. */
  readonly ip: string;
  /** The same object for all requests of one connection: a key for what need be worked out once a connection. */
  readonly connection: object;
  /** Milliseconds since the epoch. */
  readonly receivedAtMs: number;
}

/** A JSON body: the bytes as they came, and the value parsed from them once. The value is only read; edits are spliced into the bytes. */
export interface JsonBody {
  readonly bytes: Buffer;
  readonly value: unknown;
}

/** A body that is passed on as it comes: not asking for more is back pressure on the caller. To be read once. */
export interface BodyStream extends AsyncIterableIterator<Buffer, undefined> {
  /** In bytes, where the caller has announced it. */
  readonly length: number | undefined;
  /** The rest is not wanted. */
  return(): Promise<IteratorResult<Buffer, undefined>>;
}

/** W3C trace context (https://www.w3.org/TR/trace-context/): ids in lower-case hex. */
export interface TraceContext {
  readonly traceId: string;
  /** The gateway's own span: what an upstream sees as its parent. */
  readonly spanId: string;
  /** The caller's span; empty at a root. */
  readonly parentSpanId: string;
  readonly sampled: boolean;
  readonly tracestate: string;
}

/** Lower-case names. A list is one line each: cookies cannot be joined (RFC 6265, section 3). */
export type AnswerHeaders = Readonly<Record<string, string | string[]>>;

/** The only way to answer. Every method is safe to call after the client has gone: it then does nothing. */
export interface Reply {
  /** True once a byte of the answer has been handed to the socket; from then on nothing is retried. */
  readonly started: boolean;
  /** The status of the answer; 0 while there is none. */
  readonly status: number;
  /** Added to whatever answer follows. */
  setHeader(name: string, value: string): void;
  /** A whole answer. */
  send(status: number, headers: AnswerHeaders, body?: Buffer | string): void;
  /** Starts a streamed answer and flushes its headers. */
  open(status: number, headers: AnswerHeaders): void;
  /** Resolves when the socket can take more: awaiting it is the back pressure. */
  write(chunk: Buffer | string): Promise<void> | void;
  end(): void;
  /** Breaks the connection: for a streamed answer that cannot end well in its protocol. */
  destroy(): void;
}

/** A word for a route. */
export interface RouteTag {
  readonly tag: string;
  /** Only for requests that come by one of these; absent: by any. */
  readonly listeners?: readonly string[] | undefined;
}

/** What a route asks of the edge and of authentication. */
export interface Route {
  /** The configured path, such as `/mcp`, or the name of a route to services; also the metric label and `request.route` in CEL. */
  readonly path: string;
  /** The name of its rule, where that has one: `request.rule` in CEL. */
  readonly ruleName?: string | undefined;
  /** What it is called beside its name: `request.tags` in CEL. */
  readonly tags?: readonly RouteTag[] | undefined;
  readonly protocol: Protocol;
  /** The resource identifiers a token may be meant for (RFC 8707); the first is this route's own. */
  readonly audiences: readonly string[];
  readonly methods: readonly string[];
  /** `optional`: a caller with no credential is the anonymous principal. A bad credential is refused either way. */
  readonly authentication: "required" | "optional";
  readonly bodyLimitBytes: number;
  /** The tenant that calls are counted for whose caller has none. */
  readonly tenant?: string | undefined;
  /** One of `routes`: what it says of who may call holds, whatever does for the paths of the gateway itself. */
  readonly configured?: true;
  /** Which models its calls go to; absent: whichever is asked for. */
  readonly models?: ModelRule;
  /** Changes the answers that go out, errors of the gateway included. */
  readonly dress?: ((reply: Reply, request: CanonicalRequest) => Reply) | undefined;
}

/** One HTTP request and its answer. */
export interface Exchange {
  /** `x-request-id` of the answer; also the id of the chain and the trace, unless the request joins another's. */
  readonly id: string;
  readonly route: Route;
  readonly request: CanonicalRequest;
  /** Set by `authenticate`; reading it earlier throws. */
  readonly principal: Principal;
  readonly trace: TraceContext;
  /** Set with the principal: a caller joins a chain only by rights. */
  readonly chain: Chain;
  readonly log: Log;
  readonly reply: Reply;
  /** Aborts when the client has gone, the credential has expired or the gateway stops; the reason is a GatewayError. */
  readonly signal: AbortSignalLike;
  /** Reads, limits, scans and parses the body once; later calls give the same value. */
  body(): Promise<JsonBody>;
  /**
   * The body unread, in place of `body`; undefined where the request has none. Throws `too_large` when it announces too much; reading it
   * rejects with `too_large`, `request_timeout` or `cancelled`.
   */
  bodyStream(): BodyStream | undefined;
}
