import type { AbortSignalLike } from "../core/abort.ts";
import type { Exchange } from "../core/exchange.ts";
import { toTraceHeaders } from "../core/trace-headers.ts";
import type { UpstreamRequest } from "../http/upstream.ts";

/* As long as the official SDKs wait: a reasoning model may think for minutes before its first byte. */
const HEADERS_TIMEOUT_MS = 600_000;
const IDLE_TIMEOUT_MS = 300_000;

export interface UpstreamRequestOptions {
  readonly url: URL;
  /** The gateway's own credential. */
  readonly credential: Readonly<Record<string, string>>;
  readonly stream: boolean;
  readonly body: Buffer;
  readonly exchange: Exchange;
  readonly signal: AbortSignalLike;
}

/**
 * The request to a model's provider, its headers written from nothing. Of the caller's headers only `openai-beta` passes. An
 * `idempotency-key` does not: the gateway's callers share one account there, and one caller's key would fetch another's answer.
 */
export function toUpstreamRequest(options: UpstreamRequestOptions): UpstreamRequest {
  const { trace, request } = options.exchange;
  const beta = request.headers["openai-beta"];
  const headers = toTraceHeaders(trace);
  headers["content-type"] = "application/json";
  headers["accept"] = options.stream ? "text/event-stream" : "application/json";
  headers["user-agent"] = "sallyport";
  for (const name in options.credential) headers[name] = options.credential[name] ?? "";
  if (beta !== undefined) headers["openai-beta"] = beta;
  return {
    url: options.url,
    trust: "configured",
    method: "POST",
    headers,
    body: options.body,
    signal: options.signal,
    headersTimeoutMs: HEADERS_TIMEOUT_MS,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
  };
}
