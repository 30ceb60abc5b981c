import type { Clock } from "../core/clock.ts";
import type { Counter, Meter } from "../core/meter.ts";
import { createBreakers, type Breakers } from "./breakers.ts";
import { createRetryBudget, type RetryBudget } from "./retry-budget.ts";

/** What decides whether one candidate is tried, and after it another. One in a process. */
export interface Failover {
  readonly breakers: Breakers;
  readonly retries: RetryBudget;
  /** Fallbacks by the model that was asked for and the reason. */
  readonly fallbacks: Counter;
  /** Fallbacks that the retry budget did not allow, by model. */
  readonly overBudget: Counter;
}

export interface FailoverOptions {
  readonly clock: Clock;
  readonly meter: Meter;
  /** From 0 to 1, for the jitter of the circuit breakers; Math.random by default. */
  readonly random?: () => number;
}

export function createFailover({ clock, meter, random }: FailoverOptions): Failover {
  return {
    breakers: createBreakers(clock, meter, random),
    retries: createRetryBudget(clock),
    fallbacks: meter.counter(
      "fallbacks_total",
      "Candidates that did not answer and were followed by another, by the model asked for and the reason",
      ["model", "reason"],
    ),
    overBudget: meter.counter(
      "fallbacks_over_budget_total",
      "Fallbacks not made, because those in vain already were a fifth of the calls",
      ["model"],
    ),
  };
}
