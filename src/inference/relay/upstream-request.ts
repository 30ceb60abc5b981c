import type { AbortSignalLike } from "../../core/abort.ts";
import type { TraceContext } from "../../core/exchange.ts";
import { toTraceHeaders } from "../../core/trace-headers.ts";
import type { UpstreamRequest } from "../../http/upstream.ts";

/* As long as the official SDKs wait: a reasoning model may think for minutes before its first byte. */
const HEADERS_TIMEOUT_MS = 600_000;
const IDLE_TIMEOUT_MS = 300_000;

export interface UpstreamRequestOptions {
  readonly url: URL;
  /** The gateway's own credential and what else the provider is told of both sides. */
  readonly headers: Readonly<Record<string, string>>;
  /** What is changed in the headers at last; undefined: nothing. */
  readonly edit: ((headers: Record<string, string>) => void) | undefined;
  readonly stream: boolean;
  readonly body: Buffer;
  readonly trace: TraceContext;
  readonly signal: AbortSignalLike;
}

/**
 * The request to a model's provider, its headers written from nothing. Of the caller's headers only those pass that the provider's dialect names. An
 * `idempotency-key` does not: the gateway's callers share one account there, and one caller's key would fetch another's answer.
 */
export function toUpstreamRequest(options: UpstreamRequestOptions): UpstreamRequest {
  const headers = toTraceHeaders(options.trace);
  headers["content-type"] = "application/json";
  headers["accept"] = options.stream ? "text/event-stream" : "application/json";
  headers["user-agent"] = "sallyport";
  for (const name in options.headers) headers[name] = options.headers[name] ?? "";
  options.edit?.(headers);
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
