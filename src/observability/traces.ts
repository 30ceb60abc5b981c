import type { TraceContext } from "../core/exchange.ts";
import type { Log } from "../core/log.ts";
import type { Meter } from "../core/meter.ts";
import type { TracesConfig } from "./config.ts";
import type { SpanExport } from "./span-export.ts";
import type { SpanRecord } from "./spans.ts";
import { beginTrace } from "./trace-context.ts";

export interface Tracer {
  /** Whether spans go anywhere: without it, none need be built. */
  readonly exports: boolean;
  /** Continues the caller's trace when its headers are valid, else begins a new one under `newTraceId`. Lower-case header names. */
  begin(headers: Readonly<Record<string, string>>, newTraceId: string): TraceContext;
  /** Hands over a finished span. Never waits and never throws; spans that were not sampled go nowhere. */
  record(span: SpanRecord): void;
  /** Sends what waits, for at most two seconds. */
  close(): Promise<void>;
}

export interface TracerDeps {
  readonly log: Log;
  readonly meter: Meter;
}

/** Decided by the trace id alone, so that every part of a system that samples at the same rate keeps the same traces. */
function createSampler(share: number): (traceId: string) => boolean {
  if (share >= 1) return () => true;
  const limit = share * 2 ** 32;
  return (traceId) => Number.parseInt(traceId.slice(-8), 16) < limit;
}

/** A tracer; the exporter and its libraries are loaded only when an endpoint is configured. */
export async function createTracer(config: TracesConfig, deps: TracerDeps): Promise<Tracer> {
  if (config.otlp === undefined) {
    // A new trace that nobody keeps is not sampled; a caller's own flag goes on to upstreams as it came.
    const never = () => false;
    return {
      exports: false,
      begin: (headers, newTraceId) => beginTrace(headers, newTraceId, never),
      record() {},
      close: async () => {},
    };
  }
  const { createSpanExport } = await import("./span-export.ts");
  const spans: SpanExport = createSpanExport({
    url: config.otlp,
    headers: config.headers,
    log: deps.log,
    meter: deps.meter,
  });
  const sample = createSampler(config.sample);
  return {
    exports: true,
    begin: (headers, newTraceId) => beginTrace(headers, newTraceId, sample),
    record(span) {
      if (span.sampled) spans.add(span);
    },
    close: () => spans.close(),
  };
}
