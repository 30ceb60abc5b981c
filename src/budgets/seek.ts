import type { Clock } from "../core/clock.ts";
import type { Price } from "../core/operation.ts";
import type { OperationContext } from "../core/step.ts";
import type { Line } from "./budget.ts";
import type { Standing } from "./counting.ts";
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
import { shortageAt, shortageOf } from "./shortage.ts";
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

/** What is asked for, and what a call can do with at least: the same where its caller has said how long the answer may be. */
interface Wish {
  readonly most: Reckoned;
  readonly least: Reckoned;
}

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
  async function attemptLess(call: Call, { most, least }: Wish, found?: Standing): Promise<Reservation | Standing> {
    const { context, lines, price } = call;
    const standing = found ?? (await attempt(call, most));
    if (standing instanceof Reservation || least === most) return standing;
    const room = roomForOutput(lines, price, standing, most);
    if (room === undefined || room >= most.outputTokens) return standing;
    const slice = context.operation.mode === "stream";
    return attempt(call, slice ? { ...most, outputTokens: room } : await withBound(context, most, room));
  }

  async function seek(
    call: Call,
    first: Reckoned,
    found: Standing | undefined,
    sinceMs = clock.monotonic(),
  ): Promise<Reservation> {
    const { context, lines, price } = call;
    let reckoned = first;
    const unbound = needsBound(lines, first);
    if (unbound) {
      reckoned = await withBound(context, first, USUAL_BOUND_TOKENS);
      /* What only counts changes no request. */
      if (!needsBound(lines.filter(isEnforced), first)) reckoned = { ...reckoned, edit: undefined };
    }
    let standing = found;
    if (standing === undefined) {
      const got = await attempt(call, reckoned);
      if (got instanceof Reservation) return got;
      standing = got;
    }
    /* A bound or a slice that the gateway chose may be a lower one; the caller's own bound is the caller's. */
    const isOurs = unbound || context.operation.mode === "stream";
    const leastOf = (most: Reckoned): Reckoned => (isOurs ? shortest(most) : most);
    if (mayCount(lines, price, standing, reckoned, leastOf(reckoned))) {
      const exact = await counted(context, reckoned, counter);
      if (exact.inputTokens < reckoned.inputTokens) {
        reckoned = exact;
        const got = await attempt(call, reckoned);
        if (got instanceof Reservation) return got;
        standing = got;
      }
    }
    const wish: Wish = { most: reckoned, least: leastOf(reckoned) };
    const less = await attemptLess(call, wish, standing);
    if (less instanceof Reservation) return less;
    const got = await wait(call, wish, less, sinceMs);
    if (got instanceof Reservation) return got;
    /* There is room where it waited, and now something else stands in the way: whoever stays in front of the queue holds up all others. */
    if (got !== less && inTheWay(call, wish, got) !== inTheWay(call, wish, less))
      return seek(call, first, got, sinceMs);
    watch.refused(inTheWay(call, wish, got));
    throw shortageOf(lines, amountsOf(lines, price, wish.least), got);
  }

  const inTheWay = ({ lines, price }: Call, { least }: Wish, standing: Standing): Line =>
    lines[shortageAt(lines, amountsOf(lines, price, least), standing)]!;

  /** Until there is room, or its time is up, or something else stands in the way. */
  async function wait(call: Call, wish: Wish, standing: Standing, sinceMs: number): Promise<Reservation | Standing> {
    const { lines, price, context } = call;
    const amounts = amountsOf(lines, price, wish.least);
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
        const tried = await attemptLess(call, wish);
        if (tried instanceof Reservation) return tried;
        last = tried;
        return inTheWay(call, wish, tried).budget === budget ? undefined : tried;
      },
      leftMs,
      context.signal,
    );
    return got ?? last;
  }

  return seek;
}
