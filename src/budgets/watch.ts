import type { Log } from "../core/log.ts";
import type { Meter } from "../core/meter.ts";
import type { OperationContext } from "../core/step.ts";
import type { Line } from "./budget.ts";

/** What is told of budgets to callers, the log and the metrics. */
export interface Watch {
  /** `amounts` were reserved; `least` is what the call could have done with. */
  reserved(
    context: OperationContext,
    lines: readonly Line[],
    amounts: readonly number[],
    least: readonly number[],
  ): void;
  /** What was booked, beside what was reserved. */
  settled(lines: readonly Line[], reserved: readonly number[], booked: readonly number[]): void;
  refused(line: Line): void;
  uncounted(lines: readonly Line[]): void;
  unpriced(line: Line, model: string): void;
}

/* Warnings are given once a window for each counter; beyond this many, again. */
const MOST_WARNED = 10_000;

export function createWatch({ log, meter }: { readonly log: Log; readonly meter: Meter }): Watch {
  const refusals = meter.counter(
    "budget_refusals_total",
    "Calls for which a budget had no room; in shadow mode, calls that it would have refused",
    ["budget", "limit", "mode"],
  );
  const usedShare = meter.gauge("budget_used_ratio", "Share of a limit that is used, of budgets that all share", [
    "budget",
    "limit",
  ]);
  const overruns = meter.counter("budget_overruns_total", "Calls that used more than was reserved for them", [
    "budget",
    "limit",
  ]);
  const passed = meter.counter("budget_uncounted_total", "Calls let through while the store was away", ["budget"]);
  const priceless = meter.counter("budget_unpriced_total", "Calls of models without a known price", [
    "budget",
    "model",
  ]);
  const warned = new Map<string, number>();
  /* Models of unknown price, once for each budget. */
  const told = new Set<string>();

  /** Once for each counter and window. */
  function isFirst(line: Line, what: string): boolean {
    const key = `${what}\0${line.term.group}\0${line.term.key}`;
    const endsMs = line.seen?.endsMs ?? 0;
    if (warned.get(key) === endsMs) return false;
    if (warned.size >= MOST_WARNED) warned.clear();
    warned.set(key, endsMs);
    return true;
  }

  function warn(line: Line, what: string, message: string): void {
    if (!isFirst(line, what)) return;
    log.warn({ budget: line.budget.name, limit: line.limit.text, used: line.seen?.used }, message);
  }

  return {
    reserved({ exchange, operation }, lines, amounts, least) {
      let fullest: Line | undefined;
      let most = 0;
      for (let at = 0; at < lines.length; at++) {
        const line = lines[at]!;
        const { budget, limit, seen } = line;
        const share = (seen?.used ?? 0) / limit.amount;
        if (budget.per === undefined) usedShare.set([budget.name, limit.text], share);
        if (budget.mode === "shadow" && share > 1 && seen!.used - amounts[at]! + least[at]! > limit.amount) {
          refusals.add([budget.name, limit.text, "shadow"]);
          warn(line, "shadow", "a budget in shadow mode would refuse calls");
        }
        if (budget.soft === undefined || share < budget.soft) continue;
        warn(line, "soft", "a budget is nearly used up");
        if (share <= most) continue;
        fullest = line;
        most = share;
      }
      if (fullest === undefined || operation.own !== undefined) return;
      const { budget, limit } = fullest;
      const told = `${budget.name}; ${limit.text}; ${Math.floor(most * 100)}% used`;
      exchange.reply.setHeader("x-sallyport-budget", told);
    },
    settled(lines, reserved, booked) {
      for (let at = 0; at < lines.length; at++) {
        if (booked[at]! <= reserved[at]!) continue;
        const { budget, limit } = lines[at]!;
        if (limit.thing !== "concurrent") overruns.add([budget.name, limit.text]);
      }
    },
    refused(line) {
      refusals.add([line.budget.name, line.limit.text, "enforce"]);
      warn(line, "refused", "a budget is used up");
    },
    uncounted(lines) {
      for (const name of new Set(lines.map(({ budget }) => budget.name))) passed.add([name]);
    },
    unpriced(line, model) {
      priceless.add([line.budget.name, model]);
      const key = `${line.budget.name}\0${model}`;
      if (told.has(key) || told.size >= MOST_WARNED) return;
      told.add(key);
      log.warn({ budget: line.budget.name, model }, `nobody knows what ${model} costs: it is not charged`);
    },
  };
}
