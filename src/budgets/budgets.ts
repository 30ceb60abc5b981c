import type { Charges } from "../core/charges.ts";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Meter } from "../core/meter.ts";
import type { Candidate, Operation } from "../core/operation.ts";
import type { OperationContext } from "../core/step.ts";
import { type Asked, type Budget, compileBudget, countsOwn, isCounted, type Line, needsStore } from "./budget.ts";
import { noteReading } from "./pace.ts";
import { type BudgetStanding, listBudgets } from "./budget-list.ts";
import type { BudgetConfig } from "./config.ts";
import type { Standing } from "./ledger/counting.ts";
import { unpriced } from "./exhausted.ts";
import type { Ledger } from "./ledger/ledger.ts";
import { createQueue } from "./queue.ts";
import { amountsOf, needsBound, reckon, shortest } from "./reckoning.ts";
import { Reservation } from "./reservation.ts";
import { type Attempt, type Call, createSeek } from "./seek.ts";
import type { CounterUses } from "./spend/counter-uses.ts";
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
  /** How full its counters are: the `most` fullest of each budget, of those that this process has asked for. */
  list(most: number): Promise<readonly BudgetStanding[]>;
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
  readonly uses: Pick<CounterUses, "add">;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

const streamed = new Set(["tokens", "output tokens", "money"]);

/** Throws ExpressionError for a `where` or `per` that cannot be kept. */
export function createBudgets({ config, ledger, counter, uses, clock, log, meter }: BudgetsOptions): Budgets {
  const budgets: readonly Budget[] = config.map(compileBudget);
  const queues = new Map(
    config.filter(({ onExhausted }) => onExhausted === "queue").map(({ name }) => [name, createQueue(clock)]),
  );
  const isShadowed = config.some(({ mode }) => mode === "shadow");
  const watch = createWatch({ log, meter });

  function linesOf(context: OperationContext): readonly Line[] {
    const { operation } = context;
    if (!isCounted(operation)) return [];
    const { chain } = context.exchange;
    /* Nobody is handed the chain of a call to a model; another candidate, or the call it was made for, must find what the first has cost. */
    const lone =
      operation.protocol === "llm" && chain.alone && chain.helped !== true && context.candidates.length === 1;
    if (budgets.length === 1 && operation.own === undefined) return budgets[0]!.linesOf(context, lone);
    const lines: Line[] = [];
    for (const budget of budgets) for (const line of budget.linesOf(context, lone)) lines.push(line);
    return operation.own === undefined ? lines : lines.filter(countsOwn);
  }

  let tries = 0;

  /** One try. `fits` false: what stands in the way. */
  const attempt: Attempt = ({ context, lines, price }, reckoned) => {
    const amounts = amountsOf(lines, price, reckoned);
    /* A hold of its own: what an earlier try of this operation used may be booked after this one has been reserved. */
    const hold = ledger.open(
      `${context.id}-${(tries += 1)}`,
      lines.map(({ term }) => term),
    );
    const take = (standing: Standing): Reservation | Standing => {
      for (let at = 0; at < lines.length; at++) {
        const line = lines[at]!;
        const used = standing.used[at]!;
        const endsMs = standing.endsMs[at]!;
        line.seen = { used, endsMs };
        if (endsMs !== 0) line.readings = noteReading(line.readings, standing.nowMs, used, endsMs);
      }
      if (!standing.fits) return standing;
      watch.reserved(context, lines, amounts, isShadowed ? amountsOf(lines, price, shortest(reckoned)) : amounts);
      const onSettled = (held: readonly number[], booked: readonly number[]): void => {
        watch.settled(lines, held, booked);
        uses.add(context, lines, booked);
        note(context, { lines, reserved: held, booked });
        for (const queue of queues.values()) queue.stir();
      };
      return new Reservation(ledger, price, { ...reckoned, hold, lines, onSettled });
    };
    const standing = ledger.reserve(hold, amounts);
    return standing instanceof Promise ? standing.then(take) : take(standing);
  };

  const seek = createSeek({ attempt, counter, queues, clock, watch });

  /** The store is away: what the budgets that hold say of that. */
  function storeFailed({ lines, price }: Call, error: unknown): Reservation {
    const isAway = error instanceof GatewayError && error.kind === "state_unavailable";
    if (!isAway || lines.some(needsStore)) throw error;
    watch.uncounted(lines);
    return new Reservation(ledger, price, undefined);
  }

  return {
    list: (most) => listBudgets(budgets, ledger, clock.now(), most),
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

/** Keeps of the attempts before this one only those that were taken something for. */
function note(context: OperationContext, charges: Charges): void {
  const taken = context.charges?.filter(({ booked }) => booked.some((amount) => amount > 0));
  context.charges = taken === undefined ? [charges] : [...taken, charges];
}

/** A model whose price nobody knows is no free one. Tools and agents cost what is stated, and nothing where nothing is. */
function checkPrice(
  context: OperationContext,
  lines: readonly Line[],
  onUnpriced: (line: Line, model: string) => void,
): void {
  const { operation, candidate } = context;
  const model = candidate?.name ?? operation.target.name;
  for (const line of lines) {
    if (line.limit.thing !== "money") continue;
    if (line.budget.unknownPrice === "deny" && line.budget.mode === "enforce") {
      context.notes = [...(context.notes ?? []), `budget ${line.budget.name} is in dollars, and ${model} has no price`];
      throw unpriced(line, model);
    }
    onUnpriced(line, candidate?.label ?? model);
  }
}
