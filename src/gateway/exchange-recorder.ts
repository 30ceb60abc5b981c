import type { Meter } from "../core/meter.ts";
import type { Outcome } from "../core/step.ts";
import type { Metrics } from "../observability/metrics.ts";
import { toExchangeSpan } from "../observability/spans.ts";
import type { Tracer } from "../observability/traces.ts";
import type { GatewayExchange } from "./gateway-exchange.ts";

/** What is told of every exchange, to the metrics and the trace. */
export interface ExchangeRecorder {
  began(): void;
  ended(exchange: GatewayExchange, outcome: Outcome): void;
}

export function createExchangeRecorder(metrics: Metrics, tracer: Tracer, meter: Meter): ExchangeRecorder {
  const inFlight = meter.gauge("exchanges_in_flight", "HTTP requests under way, streams included", []);
  return {
    began: () => inFlight.add([], 1),
    ended(exchange, outcome) {
      inFlight.add([], -1);
      const status = statusOf(exchange, outcome);
      metrics.exchange(exchange.route.path, exchange.route.protocol, status);
      /* A caller who was not let in has no trace of the gateway's. */
      if (tracer.exports && exchange.identified !== undefined)
        tracer.record(toExchangeSpan(exchange, status, outcome.durationMs));
    },
  };
}

/** The status that was sent. 0 when the caller had gone. */
function statusOf({ reply }: GatewayExchange, { status }: Outcome): number {
  return status === "aborted" ? 0 : reply.status;
}
