import type { Exchange, TraceContext } from "../core/exchange.ts";
import type { UpstreamRequest } from "../http/upstream.ts";
import type { Model } from "./catalog.ts";
import type { ModelCall } from "./model-call.ts";

/* As long as the official SDKs wait: a reasoning model may think for minutes before its first byte. */
const HEADERS_TIMEOUT_MS = 600_000;
const IDLE_TIMEOUT_MS = 300_000;

/**
 * The request to a model's provider, its headers written from nothing. Of the caller's headers only `openai-beta` passes. An
 * `idempotency-key` does not: the gateway's callers share one account there, and one caller's key would fetch another's answer.
 */
export function toUpstreamRequest(
  model: Model,
  call: ModelCall,
  body: Buffer,
  exchange: Exchange,
  signal: AbortSignal,
): UpstreamRequest {
  const beta = exchange.request.headers["openai-beta"];
  return {
    url: new URL(model.server.baseUrl + call.path),
    trust: "configured",
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: call.stream ? "text/event-stream" : "application/json",
      "user-agent": "sallyport",
      traceparent: toTraceparent(exchange.trace),
      ...(exchange.trace.tracestate === "" ? {} : { tracestate: exchange.trace.tracestate }),
      ...(beta === undefined ? {} : { "openai-beta": beta }),
      ...model.server.headers,
    },
    body,
    signal,
    headersTimeoutMs: HEADERS_TIMEOUT_MS,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
  };
}

/** W3C Trace Context, section 3.2. */
function toTraceparent(trace: TraceContext): string {
  return `00-${trace.traceId}-${trace.spanId}-${trace.sampled ? "01" : "00"}`;
}
