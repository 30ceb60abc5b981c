import type { Counter, Histogram, Meter } from "../../core/meter.ts";

export interface RoutingMetrics {
  readonly choices: Counter;
  readonly shadowChoices: Counter;
  /** What other choices would have cost beside those made, in dollars. */
  readonly shadowDollars: Counter;
  readonly failures: Counter;
  readonly complexity: Histogram;
}

export function createRoutingMetrics(meter: Meter): RoutingMetrics {
  return {
    choices: meter.counter(
      "routing_choices_total",
      "Choices between models by the virtual model, what was chosen and why: rule, otherwise, tool_loop or provider_state",
      ["model", "chosen", "reason"],
    ),
    shadowChoices: meter.counter(
      "routing_shadow_choices_total",
      "What virtual models in shadow mode would have chosen",
      ["model", "chosen"],
    ),
    shadowDollars: meter.counter(
      "routing_shadow_dollars_total",
      "How much less (saved) or more (added) the choices of virtual models in shadow mode would have cost, for as many tokens",
      ["model", "way"],
    ),
    failures: meter.counter(
      "routing_rule_failures_total",
      "Rules of virtual models that failed, and so did not hold; rules are counted from 1",
      ["model", "rule"],
    ),
    complexity: meter.histogram(
      "routing_complexity",
      "llm.complexity of calls of virtual models whose rules read it",
      ["model"],
      [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
    ),
  };
}
