import { z } from "zod";
import { durationMs, secret } from "../core/units.ts";

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;

const log = z
  .strictObject({
    level: z
      .enum(logLevels)
      .default("info")
      .meta({ description: "The least level that is written", examples: ["info"] }),
    format: z
      .enum(["json", "pretty"])
      .default("json")
      .meta({ description: "One JSON object a line, or text for a terminal", examples: ["json"] }),
  })
  .prefault({})
  .meta({ description: "The log, on standard output", examples: [{ level: "info", format: "json" }] });

const traces = z
  .strictObject({
    otlp: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({
        description: "OTLP/HTTP endpoint for spans; none are exported without it",
        examples: ["http://otel-collector:4318/v1/traces"],
      }),
    headers: z
      .record(z.string().regex(/^[A-Za-z0-9-]+$/), secret())
      .default({})
      .meta({
        description: "Headers for the endpoint, such as its API key",
        examples: [{ "api-key": "${env:OTLP_KEY}" }],
      }),
    sample: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .meta({
        description: "Share of new traces that are exported; a caller's own sampling flag is kept",
        examples: [0.1],
      }),
  })
  .prefault({})
  .meta({
    description: "OpenTelemetry spans",
    examples: [{ otlp: "http://otel-collector:4318/v1/traces", sample: 0.1 }],
  });

const journal = z
  .strictObject({
    retention: durationMs()
      .pipe(z.number().min(60_000))
      .prefault("7d")
      .meta({ description: "How long a record is kept; at least a minute", examples: ["7d"] }),
    maxRecords: z
      .int()
      .min(1_000)
      .max(100_000_000)
      .default(1_000_000)
      .meta({ description: "The most records kept; the oldest go first", examples: [1_000_000] }),
    onFull: z
      .enum(["drop", "refuse"])
      .default("drop")
      .meta({
        description: "When the store cannot keep up: drop the oldest waiting records and count them, or refuse calls",
        examples: ["drop"],
      }),
  })
  .prefault({})
  .meta({ description: "The record of every decision", examples: [{ retention: "7d", maxRecords: 1_000_000 }] });

/** `observability:` in the config file. */
export const observabilityConfig = {
  observability: z
    .strictObject({ log, traces, journal })
    .prefault({})
    .meta({
      description: "Log, traces and journal",
      examples: [{ log: { level: "info" }, journal: { retention: "7d" } }],
    }),
};

export type ObservabilityConfig = z.output<typeof observabilityConfig.observability>;
export type LogConfig = ObservabilityConfig["log"];
export type TracesConfig = ObservabilityConfig["traces"];
export type JournalConfig = ObservabilityConfig["journal"];
