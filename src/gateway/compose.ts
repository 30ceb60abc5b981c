import type { Reservation } from "../budgets/reservation.ts";
import type { Sight } from "../budgets/runaway/runaway.ts";
import type { AbortSignalLike } from "../core/abort.ts";
import { GatewayError } from "../core/errors.ts";
import type { Exchange } from "../core/exchange.ts";
import { randomHex } from "../core/ids.ts";
import type { Operation } from "../core/operation.ts";
import type { AnswerEvent, Operate, OperationContext, Outcome, Recall, Step, Work } from "../core/step.ts";
import type { Clock } from "../core/clock.ts";
import { Attempts } from "./attempts.ts";
import type { Failover } from "./failover.ts";
import type { TaintWatch } from "./taint-watch.ts";
import type { GuardedAnswer } from "./guarded-answer.ts";

/** The steps of one protocol, in the order of the table. */
export interface Journey {
  /** Entered once per operation. */
  readonly operation: readonly GatewayStep[];
  /** Entered again for every candidate, and ended before the next one is tried. */
  readonly candidate: readonly GatewayStep[];
}

/** What the steps of this gateway may use beyond the shared context. */
export interface GatewayContext extends OperationContext {
  readonly work: Work<unknown>;
  answer: OperationContext["answer"];
  answering: (() => void) | undefined;
  /** Whether `admit` counts this operation among those in flight. */
  admitted: boolean;
  /** Set by `guard` where the answer has to pass guards. */
  guarded: GuardedAnswer | undefined;
  /** Set by `recall` where something is known of the answer, or is to be. */
  recalled: Recall<unknown> | undefined;
  /** Set by `reserve`, for the candidate at hand. */
  reservation: Reservation | undefined;
  /** Set by `watch`: what it looked like beside other calls. */
  sight: Sight | undefined;
  /** Set by `taint` with the first event of the answer. */
  taintWatch: TaintWatch | undefined;
}

/** A step of this gateway: the contract of `core`, with the context above. */
export interface GatewayStep extends Omit<Step, "enter" | "answer" | "end"> {
  /** What an exception that is no GatewayError is taken for. `denial` when absent: a check that breaks must not let anything pass. */
  readonly onException?: "denial" | "failure";
  /** What the last step of a candidate resolves to is the answer of the operation. */
  enter?(context: GatewayContext): void | Promise<unknown>;
  /** Asked once the operation's steps are entered: whether `answer` has anything to do for it; always, when absent. */
  answers?(context: GatewayContext): boolean;
  /** Present only on a step that looks at this journey's answers: with one that has anything to do, no relay may pass bytes through unread. */
  answer?(
    context: GatewayContext,
    event: AnswerEvent,
  ): AnswerEvent | readonly AnswerEvent[] | Promise<AnswerEvent | readonly AnswerEvent[]>;
  end?(context: GatewayContext, outcome: Outcome): void;
}

/**
 * Composes a journey once, at start. What it promises: `end` runs exactly once for every step whose `enter` was called, whatever
 * happens in between, and a step that throws anything but a GatewayError refuses the operation, unless it says otherwise.
 */
export function composeJourney(journey: Journey, clock: Clock, failover: Failover): Operate {
  const observers = [...journey.operation, ...journey.candidate]
    .filter((step) => step.answer !== undefined)
    .toReversed();
  return async <T>(exchange: Exchange, operation: Operation, work: Work<T>, signal = exchange.signal): Promise<T> => {
    const context = createContext(exchange, operation, work, signal, clock);
    const walk = new Walk(journey.operation, context, clock);
    try {
      const pending = walk.enter();
      if (pending !== undefined) await pending;
      const looking = observers.length === 0 ? observers : observers.filter((step) => step.answers?.(context) ?? true);
      if (looking.length > 0) context.answer = (event) => observe(looking, context, event);
      const { recalled } = context;
      if (recalled?.answer !== undefined) return (await recalled.answer()) as T; // what `work.recall`, which gives a T, found
      if (work.sees !== undefined) context.answer = seeing(work.sees, context.answer);
      const attempts = new Attempts(failover, context);
      const { edits } = context;
      for (const candidate of context.candidates) {
        const next = attempts.next(candidate);
        if (next === "stop") break;
        if (next === "skip") continue;
        /* Each attempt begins with what the operation's own steps left, and nothing of the one before. */
        context.candidate = candidate;
        context.edits = edits;
        context.usage = undefined;
        context.answerTokens = undefined;
        context.upstreamStatus = undefined;
        const attempt = new Walk(journey.candidate, context, clock);
        let failure: GatewayError | undefined;
        try {
          return (await attempt.enter()) as T; // what `work.relay`, which gives a T, resolved to
        } catch (thrown) {
          failure = attempt.fail(thrown);
        } finally {
          attempts.ended(candidate, failure);
          attempt.end();
        }
      }
      throw attempts.error();
    } catch (thrown) {
      throw walk.fail(thrown);
    } finally {
      walk.end();
    }
  };
}

const none: readonly never[] = [];

function createContext(
  exchange: Exchange,
  operation: Operation,
  work: Work<unknown>,
  signal: AbortSignalLike,
  clock: Clock,
): GatewayContext {
  return {
    id: randomHex(16),
    exchange,
    operation,
    work,
    signal,
    startedAtMs: clock.now(),
    candidates: [],
    candidate: undefined,
    failed: none,
    decision: undefined,
    edits: [],
    usage: undefined,
    answerTokens: undefined,
    complaint: undefined,
    costNanos: undefined,
    charges: undefined,
    refusals: undefined,
    notes: undefined,
    picks: undefined,
    upstreamStatus: undefined,
    firstByteMs: undefined,
    answer: undefined,
    answering: undefined,
    admitted: false,
    guarded: undefined,
    recalled: undefined,
    reservation: undefined,
    sight: undefined,
    taintWatch: undefined,
  };
}

/** The events through every step that looks at answers, those of the last step first. */
async function observe(
  observers: readonly GatewayStep[],
  context: GatewayContext,
  event: AnswerEvent,
): Promise<readonly AnswerEvent[]> {
  let events: readonly AnswerEvent[] = [event];
  for (const step of observers) {
    const next: AnswerEvent[] = [];
    for (const each of events) {
      const given = await step.answer?.(context, each);
      if (given !== undefined) next.push(...(isList(given) ? given : [given]));
    }
    events = next;
  }
  return events;
}

/** Shows what comes to the protocol itself. */
function seeing(
  sees: (event: AnswerEvent) => void,
  answer: OperationContext["answer"],
): NonNullable<OperationContext["answer"]> {
  return (event) => {
    sees(event);
    return answer?.(event) ?? Promise.resolve([event]);
  };
}

const isList = (given: AnswerEvent | readonly AnswerEvent[]): given is readonly AnswerEvent[] => Array.isArray(given);

/** One way through a list of steps: down by `enter`, and up again by `end`. */
class Walk {
  readonly #steps: readonly GatewayStep[];
  readonly #context: GatewayContext;
  readonly #clock: Clock;
  readonly #startedAt: number;
  /* A step that throws halfway counts, and is ended like any other. */
  #entered = 0;
  #failure: GatewayError | undefined;

  constructor(steps: readonly GatewayStep[], context: GatewayContext, clock: Clock) {
    this.#steps = steps;
    this.#context = context;
    this.#clock = clock;
    this.#startedAt = clock.monotonic();
  }

  /** Gives a promise only from the first step on that gives one: most give none. The last step's own is handed out as it is. */
  enter(): Promise<unknown> | undefined {
    while (this.#entered < this.#steps.length) {
      const pending = this.#steps[this.#entered++]?.enter?.(this.#context);
      if (pending !== undefined) return this.#entered === this.#steps.length ? pending : this.#enterAfter(pending);
    }
    return undefined;
  }

  async #enterAfter(pending: Promise<unknown>): Promise<unknown> {
    await pending;
    return this.enter();
  }

  /** Takes note of what was thrown on the way, and says what it means. */
  fail(thrown: unknown): GatewayError {
    const { signal } = this.#context;
    const step = this.#steps[this.#entered - 1];
    if (signal.aborted) this.#failure = GatewayError.from(signal.reason);
    else if (thrown instanceof GatewayError || step?.onException === "failure")
      this.#failure = GatewayError.from(thrown);
    else this.#failure = refusal(step, thrown);
    return this.#failure;
  }

  end(): void {
    const outcome = outcomeOf(this.#failure, this.#context, this.#clock.monotonic() - this.#startedAt);
    for (let index = this.#entered - 1; index >= 0; index--) {
      const step = this.#steps[index];
      try {
        step?.end?.(this.#context, outcome);
      } catch (thrown) {
        /* One step that cannot end must not keep the others from ending. */
        this.#context.exchange.log.error({ step: step?.name, error: thrown }, "a step failed to end");
      }
    }
  }
}

/** The one place where an exception inside a check becomes a denial. */
function refusal(step: GatewayStep | undefined, thrown: unknown): GatewayError {
  return new GatewayError("denied", "The gateway could not check this request, and so refused it.", {
    cause: new Error(`step ${step?.name} threw`, { cause: thrown }),
  });
}

function outcomeOf(error: GatewayError | undefined, context: OperationContext, durationMs: number): Outcome {
  if (error === undefined) return { status: "ok", durationMs };
  return { status: statusOf(error, context), error, durationMs };
}

function statusOf(error: GatewayError, context: OperationContext): Outcome["status"] {
  if (error.kind === "draining") return "drained";
  if (context.signal.aborted) return "aborted";
  return error.kind === "denied" || error.kind === "insufficient_scope" ? "denied" : "failed";
}
