/** Who caused a failure: decides what a log line and a retry policy make of it. */
export type ErrorSource = "client" | "gateway" | "upstream";

interface KindSpec {
  /** HTTP status of the answer. */
  readonly status: number;
  /** JSON-RPC code. Ours lie outside the reserved range (MCP 2026-07-28, basic, "Error Codes"). */
  readonly rpc: number;
  /** google.rpc.ErrorInfo reason in A2A answers (A2A 1.0, section 9.5). */
  readonly a2a: string;
  /** `error.type` in OpenAI answers. */
  readonly openai: string;
  /** `error.type` in Anthropic answers. */
  readonly anthropic: string;
  /** Whether the same call may succeed later; also sent as `x-should-retry`. */
  readonly retry: boolean;
  readonly source: ErrorSource;
}

/** The one table from what went wrong to what each protocol says. The kind is also the metric label and the log field. */
// oxfmt-ignore
export const errorKinds = {
  parse_error:          { status: 400, rpc: -32700, a2a: "PARSE_ERROR",          openai: "invalid_request_error", anthropic: "invalid_request_error", retry: false, source: "client" },
  invalid_request:      { status: 400, rpc: -32600, a2a: "INVALID_REQUEST",      openai: "invalid_request_error", anthropic: "invalid_request_error", retry: false, source: "client" },
  invalid_params:       { status: 400, rpc: -32602, a2a: "INVALID_PARAMS",       openai: "invalid_request_error", anthropic: "invalid_request_error", retry: false, source: "client" },
  unauthenticated:      { status: 401, rpc: -31401, a2a: "UNAUTHENTICATED",      openai: "authentication_error",  anthropic: "authentication_error",  retry: false, source: "client" },
  denied:               { status: 403, rpc: -31403, a2a: "PERMISSION_DENIED",    openai: "permission_error",      anthropic: "permission_error",      retry: false, source: "client" },
  insufficient_scope:   { status: 403, rpc: -31403, a2a: "INSUFFICIENT_SCOPE",   openai: "permission_error",      anthropic: "permission_error",      retry: false, source: "client" },
  origin_refused:       { status: 403, rpc: -31403, a2a: "ORIGIN_REFUSED",       openai: "permission_error",      anthropic: "permission_error",      retry: false, source: "client" },
  not_found:            { status: 404, rpc: -32602, a2a: "NOT_FOUND",            openai: "not_found_error",       anthropic: "not_found_error",       retry: false, source: "client" },
  method_not_found:     { status: 404, rpc: -32601, a2a: "METHOD_NOT_FOUND",     openai: "invalid_request_error", anthropic: "not_found_error",       retry: false, source: "client" },
  method_not_allowed:   { status: 405, rpc: -32600, a2a: "METHOD_NOT_ALLOWED",   openai: "invalid_request_error", anthropic: "invalid_request_error", retry: false, source: "client" },
  not_acceptable:       { status: 406, rpc: -32600, a2a: "NOT_ACCEPTABLE",       openai: "invalid_request_error", anthropic: "invalid_request_error", retry: false, source: "client" },
  request_timeout:      { status: 408, rpc: -31408, a2a: "REQUEST_TIMEOUT",      openai: "timeout_error",         anthropic: "timeout_error",         retry: true,  source: "client" },
  too_large:            { status: 413, rpc: -31413, a2a: "REQUEST_TOO_LARGE",    openai: "invalid_request_error", anthropic: "request_too_large",     retry: false, source: "client" },
  unsupported_media:    { status: 415, rpc: -32600, a2a: "CONTENT_TYPE_NOT_SUPPORTED", openai: "invalid_request_error", anthropic: "invalid_request_error", retry: false, source: "client" },
  misdirected:          { status: 421, rpc: -32600, a2a: "UNKNOWN_HOST",         openai: "invalid_request_error", anthropic: "invalid_request_error", retry: false, source: "client" },
  rate_limited:         { status: 429, rpc: -31429, a2a: "RATE_LIMITED",         openai: "rate_limit_error",      anthropic: "rate_limit_error",      retry: true,  source: "gateway" },
  budget_exhausted:     { status: 429, rpc: -31429, a2a: "BUDGET_EXHAUSTED",     openai: "rate_limit_error",      anthropic: "rate_limit_error",      retry: true,  source: "gateway" },
  runaway_stopped:      { status: 429, rpc: -31429, a2a: "RUNAWAY_STOPPED",      openai: "rate_limit_error",      anthropic: "rate_limit_error",      retry: false, source: "gateway" },
  headers_too_large:    { status: 431, rpc: -32600, a2a: "HEADERS_TOO_LARGE",    openai: "invalid_request_error", anthropic: "invalid_request_error", retry: false, source: "client" },
  cancelled:            { status: 499, rpc: -31499, a2a: "CANCELLED",            openai: "cancelled",             anthropic: "api_error",             retry: false, source: "client" },
  internal:             { status: 500, rpc: -32603, a2a: "INTERNAL",             openai: "server_error",          anthropic: "api_error",             retry: false, source: "gateway" },
  unsupported:          { status: 501, rpc: -31501, a2a: "UNSUPPORTED_OPERATION", openai: "invalid_request_error", anthropic: "invalid_request_error", retry: false, source: "gateway" },
  upstream_invalid:     { status: 502, rpc: -31502, a2a: "INVALID_AGENT_RESPONSE", openai: "server_error",        anthropic: "api_error",             retry: false, source: "upstream" },
  upstream_unavailable: { status: 502, rpc: -31502, a2a: "UPSTREAM_UNAVAILABLE", openai: "server_error",          anthropic: "api_error",             retry: true,  source: "upstream" },
  upstream_truncated:   { status: 502, rpc: -31502, a2a: "UPSTREAM_TRUNCATED",   openai: "server_error",          anthropic: "api_error",             retry: true,  source: "upstream" },
  overloaded:           { status: 503, rpc: -31503, a2a: "OVERLOADED",           openai: "overloaded_error",      anthropic: "overloaded_error",      retry: true,  source: "gateway" },
  draining:             { status: 503, rpc: -31503, a2a: "DRAINING",             openai: "overloaded_error",      anthropic: "overloaded_error",      retry: true,  source: "gateway" },
  state_unavailable:    { status: 503, rpc: -31503, a2a: "STATE_UNAVAILABLE",    openai: "overloaded_error",      anthropic: "overloaded_error",      retry: true,  source: "gateway" },
  not_cached:           { status: 504, rpc: -31505, a2a: "NOT_CACHED",           openai: "invalid_request_error", anthropic: "invalid_request_error", retry: false, source: "client" },
  upstream_timeout:     { status: 504, rpc: -31504, a2a: "UPSTREAM_TIMEOUT",     openai: "timeout_error",         anthropic: "timeout_error",         retry: true,  source: "upstream" },
} as const satisfies Record<string, KindSpec>;

export type ErrorKind = keyof typeof errorKinds;

export interface GatewayErrorOptions {
  /** What really happened: for the log, never for the caller. */
  readonly cause?: unknown;
  /** Headers the answer must carry, such as `www-authenticate` or `retry-after`. Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Structured detail that is safe to show, such as the supported versions. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** The parameter at fault, for protocols that name one. */
  readonly param?: string;
  /** The HTTP status in place of its kind's, where an operator has chosen one. */
  readonly httpStatus?: number | undefined;
}

/** The one error of the gateway. `message` is safe for the caller; `cause` is for the log. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly kind: ErrorKind;
  headers: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, unknown>> | undefined;
  readonly param: string | undefined;
  readonly #httpStatus: number | undefined;

  constructor(kind: ErrorKind, message: string, options: GatewayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.headers = options.headers ?? {};
    this.data = options.data;
    this.param = options.param;
    this.#httpStatus = options.httpStatus;
  }

  /** The HTTP status of an answer that tells of it. */
  get httpStatus(): number {
    return this.#httpStatus ?? this.spec.status;
  }

  get spec(): KindSpec {
    return errorKinds[this.kind];
  }

  /** Headers that were not known where it was thrown, such as whether a retry may help when no candidate is left. They win over its own. */
  addHeaders(headers: Readonly<Record<string, string>>): void {
    this.headers = { ...this.headers, ...headers };
  }

  /** Anything thrown becomes a GatewayError; what is not one of ours is shown as a fixed text, so that nothing leaks. */
  static from(thrown: unknown): GatewayError {
    if (thrown instanceof GatewayError) return thrown;
    return new GatewayError("internal", "The gateway failed to handle this request.", { cause: thrown });
  }
}
