import type { Price } from "../core/operation.ts";
import type { OperationContext } from "../core/step.ts";
import { toReserve } from "./amounts.ts";
import { type Budget, compileBudget, type Line } from "./budget.ts";
import type { BudgetConfig } from "./config.ts";
import type { Standing } from "./counting.ts";
import { exhausted, unpriced } from "./exhausted.ts";
import type { Ledger } from "./ledger.ts";
import { type Reckoned, Reservation, SLICE_TOKENS } from "./reservation.ts";

/** The budgets of one config epoch. */
export interface Budgets {
  /** Whether answers of models must be counted while they stream. */
  readonly countsStreams: boolean;
  /**
   * Reserves a call to the context's candidate in every budget that holds for it, or throws GatewayError("budget_exhausted") with
   * `data.onExhausted`. The answer is at hand, without a promise, where the ledger is in this process.
   */
  reserve(context: OperationContext): Reservation | Promise<Reservation>;
}

export interface BudgetsOptions {
  readonly config: readonly BudgetConfig[];
  readonly ledger: Ledger;
}

const things = new Set(["tokens", "output tokens", "money"]);

/** Throws ExpressionError for a `where` or `per` that cannot be kept. */
export function createBudgets({ config, ledger }: BudgetsOptions): Budgets {
  const budgets: readonly Budget[] = config.map(compileBudget);

  function linesOf(context: OperationContext): readonly Line[] {
    const { judged, target } = context.operation;
    /* Asking after a task that runs already is no new call. */
    if (!judged || target.kind === "task") return [];
    if (budgets.length === 1) return budgets[0]!.linesOf(context);
    return budgets.flatMap((budget) => budget.linesOf(context));
  }

  return {
    countsStreams: config.some(({ limits }) => limits.some(({ thing }) => things.has(thing))),
    reserve(context) {
      const { candidate } = context;
      const price = candidate?.price;
      const lines = linesOf(context);
      if (lines.length === 0) return new Reservation(ledger, price, undefined);
      checkPrices(context, lines, price);
      const reckoned = reckon(context);
      const hold = ledger.open(
        context.id,
        lines.map(({ term }) => term),
      );
      const amounts = lines.map(({ limit }) =>
        toReserve(limit.thing, price, reckoned.inputTokens, reckoned.outputTokens),
      );
      const toReservation = (standing: Standing): Reservation => {
        if (standing.fits) return new Reservation(ledger, price, { ...reckoned, hold, lines });
        throw shortageOf(lines, amounts, standing);
      };
      const standing = ledger.reserve(hold, amounts);
      return standing instanceof Promise ? standing.then(toReservation) : toReservation(standing);
    },
  };
}

/** A model whose price nobody knows is no free one. Tools and agents cost what is stated, and nothing where nothing is. */
function checkPrices(
  { operation, candidate }: OperationContext,
  lines: readonly Line[],
  price: Price | undefined,
): void {
  if (price !== undefined || operation.protocol !== "llm") return;
  const line = lines.find(
    ({ budget, limit }) => limit.thing === "money" && budget.mode === "enforce" && budget.unknownPrice === "deny",
  );
  if (line !== undefined) throw unpriced(line, candidate?.name ?? operation.target.name);
}

function reckon({ operation: { demand, mode } }: OperationContext): Reckoned {
  if (demand === undefined) return { inputTokens: 0, outputTokens: 0, mostOutputTokens: 0, edit: undefined };
  const most = demand.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  const first = mode === "stream" ? Math.min(most, SLICE_TOKENS) : most;
  return { inputTokens: demand.inputBytes, outputTokens: first, mostOutputTokens: most, edit: undefined };
}

/** The first line that has no room. */
function shortageOf(lines: readonly Line[], amounts: readonly number[], standing: Standing) {
  const at = Math.max(
    0,
    lines.findIndex(({ term }, index) => amounts[index]! > term.limit - standing.used[index]!),
  );
  return exhausted({
    line: lines[at]!,
    used: standing.used[at]!,
    needed: amounts[at]!,
    endsMs: standing.endsMs[at]!,
    nowMs: standing.nowMs,
  });
}
