import type { CandidateFailure, FallbackReason } from "../core/candidate-failure.ts";
import { GatewayError } from "../core/errors.ts";
import type { Candidate } from "../core/operation.ts";
import { neverSent } from "../http/upstream-errors.ts";
import type { Breaker, Health, Rest } from "./breaker.ts";
import type { GatewayContext } from "./compose.ts";
import type { Failover } from "./failover.ts";

/* The official SDKs take no longer wait, and would try again at once instead. */
const LONGEST_CLIENT_WAIT_MS = 60_000;

/** One operation's way through its candidates: which is tried, and what the caller is told when none answered. */
export class Attempts {
  readonly #failover: Failover;
  readonly #context: GatewayContext;
  #last: GatewayError | undefined;
  /** Whether the next candidate could mend the last failure. */
  #goesOn = true;
  /** Failed attempts that were work for an upstream. */
  #loads = 0;
  /** Whether the last failure is an upstream's: a budget's says itself when to come back. */
  #spent = false;
  #counted = 0;
  #rest: Rest | undefined;
  #breaker: Breaker | undefined;
  #probe = false;
  /** Told how the attempt at hand ended, where it is one after the first. */
  #retry: ((inVain: boolean) => void) | undefined;

  constructor(failover: Failover, context: GatewayContext) {
    this.#failover = failover;
    this.#context = context;
    if (context.candidates.length > 1) failover.retries.called(context.operation.target.name);
  }

  /** Whether this candidate is tried; `stop`: nor any other. Every `try` is followed by `ended`. */
  next(candidate: Candidate): "try" | "skip" | "stop" {
    if (!this.#goesOn) return "stop";
    const { breakers, retries, overBudget } = this.#failover;
    const model = this.#context.operation.target.name;
    if (this.#loads > 0) {
      this.#retry = retries.take(model);
      if (this.#retry === undefined) {
        overBudget.add([model]);
        return "stop";
      }
    }
    this.#breaker = candidate.upstream === undefined ? undefined : breakers.of(candidate.upstream);
    const entered = this.#breaker?.enter() ?? "call";
    if (typeof entered === "object") {
      if (this.#rest === undefined || entered.waitMs < this.#rest.waitMs) this.#rest = entered;
      this.#note(candidate, entered.reason);
      this.#retry?.(false);
      return "skip";
    }
    this.#probe = entered === "probe";
    if (this.#probe || this.#retry !== undefined) this.#context.answering = () => this.#answers();
    this.#countFallbacks(model);
    return "try";
  }

  /** The attempt has ended, well or with an error. */
  ended(candidate: Candidate, error: GatewayError | undefined): void {
    if (error === undefined) {
      this.#retry?.(false);
      return this.#leave("well");
    }
    const { signal, exchange, upstreamStatus } = this.#context;
    if (signal.aborted) {
      this.#last = error;
      this.#goesOn = false;
      this.#retry?.(true);
      return this.#leave("unknown");
    }
    const failure = this.#failureOf(error);
    this.#retry?.(failure?.load ?? true);
    /* That a later one cannot do what was asked for says less than why the first did not. */
    if (this.#last === undefined || failure?.reason !== "unsupported") this.#last = error;
    this.#goesOn = failure !== undefined && !exchange.reply.started;
    if (failure === undefined) return this.#leave(upstreamStatus === undefined ? "unknown" : "well");
    this.#note(candidate, failure.reason);
    this.#spent = failure.reason !== "budget_exhausted" && this.#goesOn;
    if (failure.load) this.#loads++;
    if (failure.retryAfterMs !== undefined)
      this.#breaker?.hold(failure.retryAfterMs, failure.reason === "rate_limited");
    this.#leave(failure.health);
  }

  /** What the caller is told when no candidate answered: the last failure, which says most, or why none was asked. */
  error(): GatewayError {
    const rest = this.#rest;
    if (this.#last === undefined) {
      return rest === undefined
        ? new GatewayError("upstream_unavailable", "Nothing is configured that could answer this request.")
        : toError(rest);
    }
    /* The gateway has tried what there is. A client that tried again would have it all tried again. */
    if (this.#context.candidates.length > 1 && this.#spent) {
      const wait = rest === undefined || this.#last.headers["retry-after"] !== undefined ? {} : toWait(rest.waitMs);
      this.#last.addHeaders({ ...wait, "x-should-retry": "false" });
    }
    return this.#last;
  }

  #failureOf(error: GatewayError): CandidateFailure | undefined {
    /* Only a budget says so: its money is used up, another candidate may have some. */
    if (error.data?.["onExhausted"] === "fallback")
      return { reason: "budget_exhausted", health: "unknown", load: false };
    const { work } = this.#context;
    if (work.failure !== undefined) return work.failure(error);
    /* A tool call or a message to an agent is never sent twice. */
    return neverSent(error) ? { reason: "unreachable", health: "sick", load: false } : undefined;
  }

  /* A probe has found out once its answer begins, and a retry is not in vain: a stream may take minutes from there, and all others would wait for its end. */
  #answers(): void {
    if (this.#probe) this.#breaker?.left(true, "well");
    this.#probe = false;
    this.#retry?.(false);
  }

  #leave(health: Health): void {
    const probe = this.#probe;
    this.#probe = false;
    this.#breaker?.left(probe, health);
  }

  #note({ name }: Candidate, reason: FallbackReason): void {
    this.#context.failed = [...this.#context.failed, { name, reason }];
  }

  #countFallbacks(model: string): void {
    const { failed } = this.#context;
    for (; this.#counted < failed.length; this.#counted++)
      this.#failover.fallbacks.add([model, failed[this.#counted]?.reason ?? ""]);
  }
}

function toError({ reason, limited, waitMs }: Rest): GatewayError {
  const seconds = Math.ceil(waitMs / 1_000);
  const why = reason === "retry_later" ? "asked not to be called" : "has failed too often of late and is not called";
  return new GatewayError(
    limited ? "rate_limited" : "upstream_unavailable",
    `The provider ${why} for another ${seconds} s. Try again then.`,
    { headers: { ...toWait(waitMs), "x-should-retry": String(waitMs <= LONGEST_CLIENT_WAIT_MS) } },
  );
}

const toWait = (waitMs: number) => ({
  "retry-after": String(Math.ceil(waitMs / 1_000)),
  "retry-after-ms": String(Math.ceil(waitMs)),
});
