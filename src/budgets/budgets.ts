import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Meter } from "../core/meter.ts";
import type { Candidate, Operation, Price } from "../core/operation.ts";
import type { OperationContext } from "../core/step.ts";
import { type Asked, type Budget, compileBudget, isCounted, type Line, needsStore } from "./budget.ts";
import type { BudgetConfig } from "./config.ts";
import type { Standing } from "./counting.ts";
import { unpriced } from "./exhausted.ts";
import type { Ledger } from "./ledger.ts";
import { createQueue, type Queue } from "./queue.ts";
import {
  amountsOf,
  counted,
  mayCount,
  needsBound,
  reckon,
  roomForOutput,
  shortest,
  USUAL_BOUND_TOKENS,
  withBound,
} from "./reckoning.ts";
import { type Reckoned, Reservation } from "./reservation.ts";
import { shortageAt, shortageOf } from "./shortage.ts";
import type { TokenCounter } from "./token-count.ts";
import { createWatch } from "./watch.ts";

/** The budgets of one config epoch. */
export interface Budgets {
  /** Whether answers of models must be counted while they stream. */
  readonly countsStreams: boolean;
  /**
   * Reserves a call to the context's candidate in every budget that holds for it, or throws GatewayError("budget_exhausted") with
   * `data.onExhausted`. The answer is at hand, without a promise, where the ledger is in this process.
   */
  reserve(context: OperationContext): Reservation | Promise<Reservation>;
  /**
   * The share that is left of the tightest limit of a budget, 0 to 1, as it was when it was last looked at; 1 where nothing is known
   * or it does not hold. Undefined: there is no such budget.
   */
  remaining(name: string, exchange: Asked["exchange"], operation: Operation, candidate?: Candidate): number | undefined;
}

export interface BudgetsOptions {
  readonly config: readonly BudgetConfig[];
  readonly ledger: Ledger;
  readonly counter: TokenCounter;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** One call on its way through its budgets. */
interface Call {
  readonly context: OperationContext;
  readonly lines: readonly Line[];
  readonly price: Price | undefined;
}

/** What is asked for, and what a call can do with at least: the same where its caller has said how long the answer may be. */
interface Wish {
  readonly most: Reckoned;
  readonly least: Reckoned;
}

const isEnforced = ({ budget: { mode } }: Line): boolean => mode === "enforce";

const streamed = new Set(["tokens", "output tokens", "money"]);

/** Throws ExpressionError for a `where` or `per` that cannot be kept. */
export function createBudgets({ config, ledger, counter, clock, log, meter }: BudgetsOptions): Budgets {
  const budgets: readonly Budget[] = config.map(compileBudget);
  const queues = new Map(
    config.filter(({ onExhausted }) => onExhausted === "queue").map(({ name }) => [name, createQueue(clock)]),
  );
  const watch = createWatch({ log, meter });

  function linesOf(context: OperationContext): readonly Line[] {
    const { operation } = context;
    if (!isCounted(operation)) return [];
    /* Nobody is handed the chain of a call to a model; another candidate must find what the first has cost. */
    const lone = operation.protocol === "llm" && context.exchange.chain.alone && context.candidates.length === 1;
    if (budgets.length === 1) return budgets[0]!.linesOf(context, lone);
    const lines: Line[] = [];
    for (const budget of budgets) for (const line of budget.linesOf(context, lone)) lines.push(line);
    return lines;
  }

  let tries = 0;

  /** One try. `fits` false: what stands in the way. */
  function attempt(
    { context, lines, price }: Call,
    reckoned: Reckoned,
  ): Reservation | Standing | Promise<Reservation | Standing> {
    const amounts = amountsOf(lines, price, reckoned);
    /* A hold of its own: what an earlier try of this operation used may be booked after this one has been reserved. */
    const hold = ledger.open(
      `${context.id}-${(tries += 1)}`,
      lines.map(({ term }) => term),
    );
    const take = (standing: Standing): Reservation | Standing => {
      for (let at = 0; at < lines.length; at++)
        lines[at]!.seen = { used: standing.used[at]!, endsMs: standing.endsMs[at]! };
      if (!standing.fits) return standing;
      watch.reserved(context, lines);
      const onSettled = (held: readonly number[], booked: readonly number[]): void => {
        watch.settled(lines, held, booked);
        for (const queue of queues.values()) queue.stir();
      };
      return new Reservation(ledger, price, { ...reckoned, hold, lines, onSettled });
    };
    const standing = ledger.reserve(hold, amounts);
    return standing instanceof Promise ? standing.then(take) : take(standing);
  }

  /** The same, and once more with what fits where the gateway may ask for less. */
  async function attemptLess(call: Call, { most, least }: Wish, found?: Standing): Promise<Reservation | Standing> {
    const { context, lines, price } = call;
    const standing = found ?? (await attempt(call, most));
    if (standing instanceof Reservation || least === most) return standing;
    const room = roomForOutput(lines, price, standing, most);
    if (room === undefined || room >= most.outputTokens) return standing;
    const slice = context.operation.mode === "stream";
    return attempt(call, slice ? { ...most, outputTokens: room } : await withBound(context, most, room));
  }

  /** What can be done when the first try has found no room: count instead of reckon, ask for less, wait. */
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

  /** The store is away: what the budgets that hold say of that. */
  function storeFailed({ lines, price }: Call, error: unknown): Reservation {
    const isAway = error instanceof GatewayError && error.kind === "state_unavailable";
    if (!isAway || lines.some(needsStore)) throw error;
    watch.uncounted(lines);
    return new Reservation(ledger, price, undefined);
  }

  return {
    remaining(name, exchange, operation, candidate) {
      const budget = budgets.find(({ config: { name: known } }) => known === name);
      if (budget === undefined) return undefined;
      const nowMs = clock.now();
      let least = 1;
      for (const { limit, seen } of budget.linesOf({ exchange, operation, candidate })) {
        if (seen === undefined || (seen.endsMs !== 0 && seen.endsMs <= nowMs)) continue;
        least = Math.min(least, Math.max(0, 1 - seen.used / limit.amount));
      }
      return least;
    },
    countsStreams: config.some(({ limits }) => limits.some(({ thing }) => streamed.has(thing))),
    reserve(context) {
      const price = context.candidate?.price;
      const lines = linesOf(context);
      if (lines.length === 0) return new Reservation(ledger, price, undefined);
      const call: Call = { context, lines, price };
      if (price === undefined && context.operation.protocol === "llm") checkPrice(context, lines, watch.unpriced);
      const reckoned = reckon(context);
      try {
        const got = needsBound(lines, reckoned) ? seek(call, reckoned, undefined) : attempt(call, reckoned);
        if (got instanceof Reservation) return got;
        const late =
          got instanceof Promise
            ? got.then((tried) => (tried instanceof Reservation ? tried : seek(call, reckoned, tried)))
            : seek(call, reckoned, got);
        return late.catch((error: unknown) => storeFailed(call, error));
      } catch (error) {
        return storeFailed(call, error);
      }
    },
  };
}

/** A model whose price nobody knows is no free one. Tools and agents cost what is stated, and nothing where nothing is. */
function checkPrice(
  { operation, candidate }: OperationContext,
  lines: readonly Line[],
  onUnpriced: (line: Line, model: string) => void,
): void {
  const model = candidate?.name ?? operation.target.name;
  for (const line of lines) {
    if (line.limit.thing !== "money") continue;
    if (line.budget.unknownPrice === "deny" && line.budget.mode === "enforce") throw unpriced(line, model);
    onUnpriced(line, model);
  }
}
