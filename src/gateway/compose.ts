import { GatewayError } from "../core/errors.ts";
import type { Exchange } from "../core/exchange.ts";
import { randomHex } from "../core/ids.ts";
import type { Operation } from "../core/operation.ts";
import type { AnswerEvent, Operate, OperationContext, Outcome, Step, Work } from "../core/step.ts";
import type { Clock } from "../core/clock.ts";

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
  /** What the relay came back with; the answer of the whole operation. */
  result: unknown;
}

/** A step of this gateway: the contract of `core`, with the context above. */
export interface GatewayStep extends Omit<Step, "enter"> {
  enter?(context: GatewayContext): void | Promise<void>;
}

/**
 * Composes a journey once, at start. What it promises: `end` runs exactly once for every step whose `enter` was called, whatever
 * happens in between, and a step that throws anything but a GatewayError refuses the operation.
 */
export function composeJourney(journey: Journey, clock: Clock): Operate {
  const observers = [...journey.operation, ...journey.candidate]
    .filter((step) => step.answer !== undefined)
    .toReversed();
  return async <T>(exchange: Exchange, operation: Operation, work: Work<T>, signal = exchange.signal): Promise<T> => {
    const startedAt = clock.monotonic();
    const context = createContext(exchange, operation, work, signal, clock, observers);
    const progress = { entered: 0 };
    let failure: GatewayError | undefined;
    try {
      const pending = enterSteps(journey.operation, context, progress);
      if (pending !== undefined) await pending;
      await tryCandidates(journey.candidate, context, clock);
      return context.result as T; // what `work.relay`, which gives a T, resolved to
    } catch (thrown) {
      failure = toFailure(thrown, signal);
      throw failure;
    } finally {
      endSteps(
        journey.operation,
        progress.entered,
        context,
        outcomeOf(failure, context, clock.monotonic() - startedAt),
      );
    }
  };
}

function createContext(
  exchange: Exchange,
  operation: Operation,
  work: Work<unknown>,
  signal: AbortSignal,
  clock: Clock,
  observers: readonly GatewayStep[],
): GatewayContext {
  const context: GatewayContext & { answer: OperationContext["answer"] } = {
    id: randomHex(16),
    exchange,
    operation,
    work,
    signal,
    startedAtMs: clock.now(),
    candidates: [],
    candidate: undefined,
    decision: undefined,
    usage: undefined,
    upstreamStatus: undefined,
    firstByteMs: undefined,
    answer: undefined,
    result: undefined,
  };
  if (observers.length > 0) context.answer = (event) => observe(observers, context, event);
  return context;
}

async function observe(
  observers: readonly GatewayStep[],
  context: OperationContext,
  event: AnswerEvent,
): Promise<AnswerEvent> {
  let current = event;
  for (const step of observers) if (step.answer !== undefined) current = await step.answer(context, current);
  return current;
}

/** How far a list of steps was entered: a step that throws halfway counts, and is ended like any other. */
interface Progress {
  entered: number;
}

/** Enters the steps from where `progress` stands. Gives a promise only from the first step on that gives one: most give none. */
function enterSteps(
  steps: readonly GatewayStep[],
  context: GatewayContext,
  progress: Progress,
): Promise<void> | undefined {
  while (progress.entered < steps.length) {
    const step = steps[progress.entered++] as GatewayStep;
    try {
      const pending = step.enter?.(context);
      if (pending !== undefined) return continueAfter(pending, step, steps, context, progress);
    } catch (thrown) {
      throw judge(step, thrown, context);
    }
  }
  return undefined;
}

async function continueAfter(
  pending: Promise<void>,
  step: GatewayStep,
  steps: readonly GatewayStep[],
  context: GatewayContext,
  progress: Progress,
): Promise<void> {
  try {
    await pending;
  } catch (thrown) {
    throw judge(step, thrown, context);
  }
  await enterSteps(steps, context, progress);
}

function judge(step: GatewayStep, thrown: unknown, { signal }: GatewayContext): unknown {
  return thrown instanceof GatewayError || signal.aborted ? thrown : refuse(step, thrown);
}

/** The one place where an exception inside a check becomes a denial. */
function refuse(step: GatewayStep, thrown: unknown): GatewayError {
  return new GatewayError("denied", "The gateway could not check this request, and so refused it.", {
    cause: new Error(`step ${step.name} threw`, { cause: thrown }),
  });
}

async function tryCandidates(steps: readonly GatewayStep[], context: GatewayContext, clock: Clock): Promise<void> {
  let last: GatewayError | undefined;
  for (const candidate of context.candidates) {
    if (last !== undefined && !mayTryNext(last, context)) break;
    context.candidate = candidate;
    const startedAt = clock.monotonic();
    const progress = { entered: 0 };
    let failure: GatewayError | undefined;
    try {
      const pending = enterSteps(steps, context, progress);
      if (pending !== undefined) await pending;
      return;
    } catch (thrown) {
      failure = toFailure(thrown, context.signal);
      last = failure;
    } finally {
      endSteps(steps, progress.entered, context, outcomeOf(failure, context, clock.monotonic() - startedAt));
    }
  }
  throw last ?? new GatewayError("upstream_unavailable", "Nothing is configured that could answer this request.");
}

/** Nothing is retried after the first byte reached the client, nor for a caller who has gone. */
function mayTryNext(error: GatewayError, context: OperationContext): boolean {
  return (
    error.spec.retry && error.spec.source === "upstream" && !context.exchange.reply.started && !context.signal.aborted
  );
}

function endSteps(steps: readonly GatewayStep[], entered: number, context: OperationContext, outcome: Outcome): void {
  for (let index = entered - 1; index >= 0; index--) {
    const step = steps[index];
    try {
      step?.end?.(context, outcome);
    } catch (thrown) {
      /* One step that cannot end must not keep the others from ending. */
      context.exchange.log.error({ step: step?.name, error: thrown }, "a step failed to end");
    }
  }
}

function toFailure(thrown: unknown, signal: AbortSignal): GatewayError {
  if (signal.aborted) return GatewayError.from(signal.reason);
  return GatewayError.from(thrown);
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
