import { type BudgetUnit, unitOf } from "../core/charges.ts";
import type { Budget, Line } from "./budget.ts";
import type { BudgetConfig } from "./config.ts";
import { windowStart } from "./ledger/windows.ts";
import type { Ledger } from "./ledger/ledger.ts";
import { lastPace, noteReading } from "./pace.ts";

/** A budget and how full its counters are, for people. */
export interface BudgetStanding {
  readonly name: string;
  readonly mode: BudgetConfig["mode"];
  readonly onExhausted: BudgetConfig["onExhausted"];
  readonly per?: string;
  readonly where?: string;
  /** The fullest first. */
  readonly counters: readonly CounterStanding[];
  /** Counters that this process knows and that are not in the list. */
  readonly more: number;
}

export interface CounterStanding {
  readonly key: string;
  readonly limit: string;
  readonly unit: BudgetUnit;
  readonly amount: number;
  /** Spent, reserved and owed. */
  readonly used: number;
  readonly share: number;
  /** Null where the limit has no window. */
  readonly startsAtMs: number | null;
  readonly endsAtMs: number | null;
  /** On average of the window so far, or of the last minutes where that is more. */
  readonly perMinute: number | null;
  /** When it is used up if it goes on so; null: not before the window ends. */
  readonly exhaustedAtMs: number | null;
}

interface Known {
  readonly key: string;
  readonly line: Line;
}

const MINUTE_MS = 60_000;
/* A window that has just begun says nothing of how fast it goes. */
const LEAST_MS = 1_000;

/** What was last known of it: cheap enough to choose by. */
const lastShare = ({ line: { seen, limit } }: Known, nowMs: number): number =>
  seen === undefined || (seen.endsMs !== 0 && seen.endsMs <= nowMs) ? 0 : seen.used / limit.amount;

/** The counters of each budget that were fullest when they were last looked at, at most `most` of each, as the ledger has them now. */
export async function listBudgets(
  budgets: readonly Budget[],
  ledger: Ledger,
  nowMs: number,
  most: number,
): Promise<readonly BudgetStanding[]> {
  return Promise.all(
    budgets.map(async (budget) => {
      const known: Known[] = [];
      for (const [key, lines] of budget.counters()) for (const line of lines) known.push({ key, line });
      known.sort((one, other) => lastShare(other, nowMs) - lastShare(one, nowMs));
      const counters = await Promise.all(known.slice(0, most).map((each) => standingOf(each, ledger)));
      const { name, mode, onExhausted, per, where } = budget.config;
      return {
        name,
        mode,
        onExhausted,
        ...(per !== undefined && { per }),
        ...(where !== undefined && { where }),
        counters: counters.toSorted((one, other) => other.share - one.share),
        more: Math.max(0, known.length - most),
      };
    }),
  );
}

async function standingOf({ key, line }: Known, ledger: Ledger): Promise<CounterStanding> {
  const { limit, term } = line;
  const standing = await ledger.read([term]);
  const [used = 0] = standing.used;
  const [endsMs = 0] = standing.endsMs;
  const { nowMs } = standing;
  const { amount } = limit;
  const common = { key, limit: limit.text, unit: unitOf(limit.thing), amount, used, share: used / amount };
  if (endsMs === 0)
    return {
      ...common,
      startsAtMs: null,
      endsAtMs: null,
      perMinute: null,
      exhaustedAtMs: used >= amount ? nowMs : null,
    };
  const startsAtMs = windowStart(limit.window, nowMs);
  const mean = used / Math.max(LEAST_MS, nowMs - startsAtMs);
  const perMs = Math.max(mean, lastPace(line.readings, { atMs: nowMs, used, endsMs }));
  line.readings = noteReading(line.readings, nowMs, used, endsMs);
  const endMs = used >= amount ? nowMs : perMs === 0 ? endsMs : nowMs + (amount - used) / perMs;
  return {
    ...common,
    startsAtMs,
    endsAtMs: endsMs,
    perMinute: perMs * MINUTE_MS,
    exhaustedAtMs: endMs < endsMs ? Math.round(endMs) : null,
  };
}
