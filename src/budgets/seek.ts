import type { Clock } from "../core/clock.ts";
import type { Price } from "../core/operation.ts";
import type { OperationContext } from "../core/step.ts";
import type { Line } from "./budget.ts";
import type { Standing } from "./ledger/counting.ts";
import type { Queue } from "./queue.ts";
import {
  amountsOf,
  counted,
  mayCount,
  needsBound,
  roomForOutput,
  shortest,
  USUAL_BOUND_TOKENS,
  withBound,
} from "./reckoning.ts";
import { type Reckoned, Reservation } from "./reservation.ts";
import { refusalOf, shortageAt, shortageOf } from "./shortage.ts";
import type { TokenCounter } from "./token-count.ts";
import type { Watch } from "./watch.ts";

/** One call on its way through its budgets. */
export interface Call {
  readonly context: OperationContext;
  readonly lines: readonly Line[];
  readonly price: Price | undefined;
}

/** One try to reserve a call; a standing that does not fit is what stands in the way. */
export type Attempt = (call: Call, reckoned: Reckoned) => Reservation | Standing | Promise<Reservation | Standing>;

export interface SeekOptions {
  readonly attempt: Attempt;
  readonly counter: TokenCounter;
  /** By the names of the budgets that have one. */
  readonly queues: ReadonlyMap<string, Queue>;
  readonly clock: Pick<Clock, "monotonic">;
  readonly watch: Pick<Watch, "refused">;
}

/**
 * What can be done when the first try has found no room, or none can be made yet: give the call a bound, count instead of reckon, ask for
 * less, wait. Rejects with GatewayError("budget_exhausted").
 */
export type Seek = (call: Call, first: Reckoned, found: Standing | undefined, sinceMs?: number) => Promise<Reservation>;

const isEnforced = ({ budget: { mode } }: Line): boolean => mode === "enforce";

export function createSeek({ attempt, counter, queues, clock, watch }: SeekOptions): Seek {
  /** One try, and another with what fits where the gateway may ask for less. */
  async function attemptLess(call: Call, reckoned: Reckoned, found?: Standing): Promise<Reservation | Standing> {
    const { context, lines, price } = call;
    const standing = found ?? (await attempt(call, reckoned));
    if (standing instanceof Reservation || !reckoned.isOurs) return standing;
    const room = roomForOutput(lines, price, standing, reckoned);
    if (room === undefined || room >= reckoned.outputTokens) return standing;
    const slice = context.operation.mode === "stream";
    return attempt(call, slice ? { ...reckoned, outputTokens: room } : await withBound(context, reckoned, room));
  }

  async function seek(
    call: Call,
    first: Reckoned,
    found: Standing | undefined,
    sinceMs = clock.monotonic(),
  ): Promise<Reservation> {
    const { context, lines, price } = call;
    let reckoned = first;
    if (needsBound(lines, first)) {
      reckoned = await withBound(context, first, context.candidate?.maxTokens ?? USUAL_BOUND_TOKENS);
      /* What only counts changes no request. */
      if (!needsBound(lines.filter(isEnforced), first)) reckoned = { ...reckoned, edit: undefined };
    }
    let standing = found;
    if (standing === undefined) {
      const got = await attempt(call, reckoned);
      if (got instanceof Reservation) return got;
      standing = got;
    }
    if (mayCount(lines, price, standing, reckoned)) {
      const exact = await counted(context, reckoned, counter);
      if (exact.inputTokens < reckoned.inputTokens) {
        reckoned = exact;
        const got = await attempt(call, reckoned);
        if (got instanceof Reservation) return got;
        standing = got;
      }
    }
    const less = await attemptLess(call, reckoned, standing);
    if (less instanceof Reservation) return less;
    const got = await wait(call, reckoned, less, sinceMs);
    if (got instanceof Reservation) return got;
    /* There is room where it waited, and now something else stands in the way: whoever stays in front of the queue holds up all others. */
    if (got !== less && inTheWay(call, reckoned, got) !== inTheWay(call, reckoned, less))
      return seek(call, first, got, sinceMs);
    watch.refused(inTheWay(call, reckoned, got));
    context.refusals = [
      ...(context.refusals ?? []),
      refusalOf(lines, leastOf(call, reckoned), got, context.exchange.chain.id),
    ];
    throw shortageOf(lines, leastOf(call, reckoned), got);
  }

  const leastOf = ({ lines, price }: Call, reckoned: Reckoned): readonly number[] =>
    amountsOf(lines, price, shortest(reckoned));

  const inTheWay = (call: Call, reckoned: Reckoned, standing: Standing): Line =>
    call.lines[shortageAt(call.lines, leastOf(call, reckoned), standing)]!;

  /** Until there is room, or its time is up, or something else stands in the way. */
  async function wait(
    call: Call,
    reckoned: Reckoned,
    standing: Standing,
    sinceMs: number,
  ): Promise<Reservation | Standing> {
    const { lines, context } = call;
    const amounts = leastOf(call, reckoned);
    const at = shortageAt(lines, amounts, standing);
    const { budget, limit } = lines[at]!;
    const queue: Queue | undefined = queues.get(budget.name);
    const leftMs = budget.maxWait - (clock.monotonic() - sinceMs);
    /* What is larger than the whole budget would wait for nothing. */
    if (queue === undefined || leftMs <= 0 || amounts[at]! > limit.amount || queue.length >= budget.maxWaiting)
      return standing;
    let last = standing;
    const got = await queue.wait(
      async () => {
        const tried = await attemptLess(call, reckoned);
        if (tried instanceof Reservation) return tried;
        last = tried;
        return inTheWay(call, reckoned, tried).budget === budget ? undefined : tried;
      },
      leftMs,
      context.signal,
    );
    return got ?? last;
  }

  return seek;
}
