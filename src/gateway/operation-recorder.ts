import type { OperationContext, Outcome } from "../core/step.ts";
import type { Journal } from "../observability/journal.ts";
import type { Metrics } from "../observability/metrics.ts";
import { toOperationSpan } from "../observability/spans.ts";
import type { Tracer } from "../observability/traces.ts";
import type { Traffic } from "../observability/traffic.ts";

/** What is told of every operation, to the journal, the metrics and the trace. */
export interface OperationRecorder {
  /** Throws `state_unavailable` when the journal must be complete and cannot take more. */
  began(context: OperationContext): void;
  ended(context: OperationContext, outcome: Outcome): void;
  /** One attempt at one candidate. */
  attempted(context: OperationContext, outcome: Outcome): void;
}

export interface OperationRecorderOptions {
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly tracer: Tracer;
  readonly traffic: Traffic;
  readonly policyHash: string;
}

export function createOperationRecorder({
  journal,
  metrics,
  tracer,
  traffic,
  policyHash,
}: OperationRecorderOptions): OperationRecorder {
  return {
    began({ operation }) {
      metrics.inFlight(operation.protocol, 1);
      journal.checkRoom();
    },
    ended(context, outcome) {
      metrics.inFlight(context.operation.protocol, -1);
      metrics.operation(context, outcome);
      traffic.operation(context, outcome);
      journal.record(context, outcome, policyHash);
      if (tracer.exports) tracer.record(toOperationSpan(context, outcome));
    },
    attempted({ operation, candidate }, { status, durationMs }) {
      metrics.upstream(operation.protocol, candidate?.label ?? candidate?.name ?? "none", status, durationMs);
    },
  };
}
