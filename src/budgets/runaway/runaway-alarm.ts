import { GatewayError } from "../../core/errors.ts";
import type { Operation } from "../../core/operation.ts";
import { formatDollars } from "../money.ts";

/** What makes a call look like one of a runaway. */
export type Signal = "same" | "similar" | "failures" | "spend";

export interface Alarm {
  readonly signal: Signal;
  /** `run`: counted in one chain or run. */
  readonly scope: "run" | "principal";
  /** How often it was done, or failed, before. */
  readonly count: number;
  readonly limit: number;
  /** Since the first time. */
  readonly elapsedMs: number;
  /** What that has cost, nano-dollars; 0 where nobody knows. */
  readonly costNanos: number;
  /** Of `spend`: what is usual in a window. */
  readonly usualNanos?: number;
  /** Whether it is the first of its kind: what follows need not be told again. */
  readonly begins: boolean;
  /** After how long one like it may pass again; undefined: this one passes. */
  readonly liftsInMs: number | undefined;
}

const DAY_MS = 86_400_000;
/* A few seconds are no pace to reckon a day with. */
const LEAST_PACE_MS = 1_000;

/** What a day of it would cost at this pace. */
export function perDayNanos({ costNanos, elapsedMs }: Alarm): number {
  return Math.round((costNanos / Math.max(LEAST_PACE_MS, elapsedMs)) * DAY_MS);
}

/** Cents are enough where there are any. */
function money(nanos: number): string {
  return nanos >= 10_000_000 ? `$${(nanos / 1e9).toFixed(2)}` : formatDollars(nanos);
}

function timeText(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1_000));
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

const kinds = { tool: "tool", resource: "resource", prompt: "prompt", agent: "agent", model: "model" } as const;

function targetText({ target }: Operation): string {
  const kind = target.kind in kinds ? `${target.kind} ` : "";
  return `${kind}${target.name}`;
}

/** What is going on, in a sentence that is safe to show. */
export function describeAlarm(alarm: Alarm, operation: Operation): string {
  const { signal, count, scope, costNanos, usualNanos = 0 } = alarm;
  const time = timeText(alarm.elapsedMs);
  const by = scope === "run" ? "in this run" : "by this caller";
  const what = targetText(operation);
  const cost =
    costNanos > 0 ? ` It cost ${money(costNanos)} so far, about ${money(perDayNanos(alarm))} a day at this pace.` : "";
  switch (signal) {
    case "same":
      return `The same call of the ${what} was made ${count} times in ${time} ${by}.${cost}`;
    case "failures":
      return `The same call of the ${what} failed ${count} times, one after the other.${cost}`;
    case "similar":
      return `Nearly the same prompt went to the ${what} ${count} times in ${time} ${by}.${cost}`;
    case "spend":
      return `This caller spent ${money(costNanos)} in ${time}; usual is ${money(Math.round(usualNanos))}.`;
  }
}

/* Whoever reads it is a model more often than not: it is told what to do instead. */
const advice: Readonly<Record<Signal, string>> = {
  same: "It was not carried out again, because the answer would not be another: do not repeat it. Use what you have, change the arguments, or finish.",
  failures: "It was not tried again: do not repeat it. Change the call, do without it, or say that it does not work.",
  similar: "It was not sent again: do not repeat it. Use what you have, ask something else, or finish.",
  spend: "No more calls that cost money pass for now.",
};

/** The refusal of a call while its stop stands. Clients must not retry by themselves. `nowMs`: since the epoch. */
export function stopped(alarm: Alarm, operation: Operation, nowMs: number): GatewayError {
  const { signal, scope, count, limit, costNanos, liftsInMs = 0 } = alarm;
  /* What a difference of two floating-point times is off by is no millisecond more. */
  const waitMs = Math.max(1, Math.ceil(liftsInMs - 0.001));
  const seconds = Math.ceil(waitMs / 1_000);
  return new GatewayError(
    "runaway_stopped",
    `${describeAlarm(alarm, operation)} ${advice[signal]} The stop lifts in ${seconds} s.`,
    {
      headers: { "x-should-retry": "false", "retry-after": String(seconds), "retry-after-ms": String(waitMs) },
      data: {
        signal,
        scope,
        count,
        limit,
        costNanos,
        perDayNanos: perDayNanos(alarm),
        liftsAtMs: nowMs + waitMs,
      },
    },
  );
}
