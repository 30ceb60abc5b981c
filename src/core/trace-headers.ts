import type { TraceContext } from "./exchange.ts";

/** The headers that hand a trace to an upstream, with the gateway's span as its parent (W3C Trace Context, sections 3.2 and 3.3). */
export function toTraceHeaders({ traceId, spanId, sampled, tracestate }: TraceContext): Record<string, string> {
  const headers: Record<string, string> = { traceparent: `00-${traceId}-${spanId}-${sampled ? "01" : "00"}` };
  if (tracestate !== "") headers["tracestate"] = tracestate;
  return headers;
}
