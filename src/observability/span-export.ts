import type { HrTime, SpanContext } from "@opentelemetry/api";
import { SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import { ExportResultCode } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import { BatchSpanProcessor } from "@opentelemetry/sdk-trace";
import type { Log } from "../core/log.ts";
import type { Meter } from "../core/meter.ts";
import type { SpanRecord } from "./spans.ts";

/** Spans waiting or under way; a collector that hangs costs this much memory and no more. */
const MAX_WAITING = 4_096;
const BATCH = 512;
const EXPORT_EVERY_MS = 1_000;
const EXPORT_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 2_000;

export interface SpanExportOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly log: Log;
  readonly meter: Meter;
}

export interface SpanExport {
  add(span: SpanRecord): void;
  close(): Promise<void>;
}

const resource = resourceFromAttributes({ "service.name": "sallyport" });
const scope = { name: "sallyport" };

function toHrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}

const toSpanContext = (traceId: string, spanId: string, isRemote: boolean): SpanContext => ({
  traceId,
  spanId,
  traceFlags: TraceFlags.SAMPLED,
  isRemote,
});

function toReadableSpan(span: SpanRecord): ReadableSpan {
  const own = toSpanContext(span.traceId, span.spanId, false);
  return {
    name: span.name,
    kind: span.kind === "server" ? SpanKind.SERVER : SpanKind.CLIENT,
    spanContext: () => own,
    ...(span.parentSpanId !== "" && {
      parentSpanContext: toSpanContext(span.traceId, span.parentSpanId, span.kind === "server"),
    }),
    startTime: toHrTime(span.startedAtMs),
    endTime: toHrTime(span.startedAtMs + span.durationMs),
    duration: toHrTime(span.durationMs),
    status:
      span.error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: span.error },
    attributes: span.error === undefined ? { ...span.attributes } : { ...span.attributes, "error.type": span.error },
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Sends spans in batches over OTLP/HTTP. A collector that is down or hangs loses spans, which are counted, and nothing else. */
export function createSpanExport({ url, headers, log, meter }: SpanExportOptions): SpanExport {
  const lost = meter.counter("spans_dropped_total", "Spans lost because the collector did not take them", ["reason"]);
  const otlp = new OTLPTraceExporter({
    url,
    headers: { ...headers },
    timeoutMillis: EXPORT_TIMEOUT_MS,
    concurrencyLimit: 4,
  });
  let waiting = 0;
  let failing = false;

  const exporter: SpanExporter = {
    export(spans, done) {
      otlp.export(spans, (result) => {
        waiting -= spans.length;
        const failed = (result.code as number) !== (ExportResultCode.SUCCESS as number);
        if (failed) lost.add(["failed"], spans.length);
        if (failed !== failing) {
          failing = failed;
          if (failed) log.warn({ error: result.error }, "spans cannot be exported");
          else log.info({}, "spans are exported again");
        }
        // The processor would report a failure to a global handler; it has been dealt with here.
        done({ code: ExportResultCode.SUCCESS });
      });
    },
    shutdown: () => otlp.shutdown(),
  };
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: MAX_WAITING,
    maxExportBatchSize: BATCH,
    scheduledDelayMillis: EXPORT_EVERY_MS,
    exportTimeoutMillis: 2 * EXPORT_TIMEOUT_MS,
  });

  return {
    add(span) {
      if (waiting >= MAX_WAITING) {
        lost.add(["overflow"]);
        return;
      }
      waiting += 1;
      processor.onEnd(toReadableSpan(span));
    },
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const tooLong = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
      });
      await Promise.race([processor.shutdown().catch(() => {}), tooLong]);
      clearTimeout(timer);
    },
  };
}
