import { Registry } from "prom-client";
import type { Protocol } from "../core/operation.ts";
import type { Meter } from "../core/meter.ts";
import type { OperationContext, Outcome } from "../core/step.ts";
import { toMethodLabel } from "./method-label.ts";
import { registerProcessMetrics } from "./process-metrics.ts";
import { createPrometheusMeter } from "./prometheus-meter.ts";

/** From a cache hit to a long stream, in seconds. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export interface Metrics {
  /** For the parts that declare metrics of their own. */
  readonly meter: Meter;
  /** One HTTP request answered; `status` is 0 when the client had gone. */
  exchange(route: string, protocol: Protocol, status: number): void;
  /** How many operations are under way: `by` is 1 or -1. */
  inFlight(protocol: Protocol, by: 1 | -1): void;
  /** One operation ended: outcome, duration, first byte, tokens and denials. */
  operation(context: OperationContext, outcome: Outcome): void;
  /** One attempt at one candidate, from sending to the end of its answer. */
  upstream(protocol: Protocol, candidate: string, outcome: Outcome["status"], durationMs: number): void;
  configReload(result: "applied" | "refused"): void;
  /** The page that Prometheus reads. */
  render(): Promise<{ readonly contentType: string; readonly body: string }>;
  close(): void;
}

/** The metrics of one gateway, in a registry of their own. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const meter = createPrometheusMeter(registry);
  const stop = registerProcessMetrics(registry);
  const exchanges = meter.counter("exchanges_total", "HTTP requests answered", ["route", "protocol", "status"]);
  const operations = meter.counter(
    "operations_total",
    "Operations by how they ended; kind is the error kind, none without one",
    ["protocol", "method", "outcome", "kind"],
  );
  const durations = meter.histogram(
    "operation_duration_seconds",
    "Duration of operations",
    ["protocol", "method", "outcome"],
    SECONDS,
  );
  const upstreams = meter.histogram(
    "upstream_duration_seconds",
    "Duration of attempts at a candidate",
    ["protocol", "candidate", "outcome"],
    SECONDS,
  );
  const firstBytes = meter.histogram(
    "first_byte_seconds",
    "Time to the first byte of the answer",
    ["protocol", "method"],
    SECONDS,
  );
  const tokens = meter.counter("tokens_total", "Tokens as reported by the upstream", ["direction", "model"]);
  const underWay = meter.gauge("in_flight", "Operations under way", ["protocol"]);
  const denials = meter.counter("denials_total", "Operations denied by policy, by the rule that decided", ["rule"]);
  const reloads = meter.counter("config_reloads_total", "Configuration reloads", ["result"]);

  return {
    meter,
    exchange: (route, protocol, status) => exchanges.add([route, protocol, String(status)]),
    inFlight: (protocol, by) => underWay.add([protocol], by),
    operation({ operation, candidate, decision, firstByteMs, usage }, { status, error, durationMs }) {
      const { protocol, target } = operation;
      const method = toMethodLabel(protocol, operation.method);
      operations.add([protocol, method, status, error?.kind ?? "none"]);
      durations.observe([protocol, method, status], durationMs / 1_000);
      if (firstByteMs !== undefined) firstBytes.observe([protocol, method], firstByteMs / 1_000);
      if (decision?.allow === false) denials.add([decision.rule]);
      if (usage === undefined) return;
      const model = candidate?.name ?? target.name;
      if (usage.inputTokens !== undefined) tokens.add(["input", model], usage.inputTokens);
      if (usage.outputTokens !== undefined) tokens.add(["output", model], usage.outputTokens);
      if (usage.cachedInputTokens !== undefined) tokens.add(["cached_input", model], usage.cachedInputTokens);
    },
    upstream: (protocol, candidate, outcome, durationMs) =>
      upstreams.observe([protocol, candidate, outcome], durationMs / 1_000),
    configReload: (result) => reloads.add([result]),
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
    close() {
      stop();
      registry.clear();
    },
  };
}
