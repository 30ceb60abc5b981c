import { addTally, createTally, type NameKind, type Tally } from "../observability/traffic-names.ts";
import type { Traffic } from "../observability/traffic.ts";
import type { BudgetState, Others, Overview, OverviewWindow, Top } from "./api/overview.ts";

const MINUTE_MS = 60_000;

/** How a window is cut. Sixty and some are as many as a chart can show. */
const cuts: Readonly<Record<OverviewWindow, { readonly bucketMs: number; readonly count: number }>> = {
  "15m": { bucketMs: 15_000, count: 60 },
  "1h": { bucketMs: MINUTE_MS, count: 60 },
  "24h": { bucketMs: 15 * MINUTE_MS, count: 96 },
};
const MOST_TOPS = 10;

export interface OverviewSource {
  readonly process: string;
  readonly traffic: Traffic;
  readonly inFlight: () => number;
  readonly budgets: () => Promise<readonly BudgetState[]>;
  readonly clock: { now(): number };
}

interface TopList {
  readonly list: readonly Top[];
  readonly others: Others;
}

/** What happened of late, and what is left of budgets. */
export async function readOverview(
  { process, traffic, inFlight, budgets, clock }: OverviewSource,
  window: OverviewWindow,
): Promise<Overview> {
  const { bucketMs, count } = cuts[window];
  const nowMs = clock.now();
  const names = traffic.names(nowMs - count * bucketMs, nowMs);
  const top = (kind: NameKind, weight: (tally: Tally) => number): TopList => {
    const sorted = [...names[kind].named].toSorted(
      ([, one], [, other]) => weight(other) - weight(one) || other.tokens - one.tokens || other.calls - one.calls,
    );
    const others = createTally();
    addTally(others, names[kind].others);
    for (const [, tally] of sorted.slice(MOST_TOPS)) addTally(others, tally);
    return { list: sorted.slice(0, MOST_TOPS).map(([name, tally]) => ({ name, ...tally })), others };
  };
  const models = top("models", ({ costNanos }) => costNanos);
  const tenants = top("tenants", ({ costNanos }) => costNanos);
  const denials = top("denials", ({ calls }) => calls);
  const failing = top("failing", ({ calls }) => calls);
  return {
    window,
    process,
    sinceMs: traffic.sinceMs,
    nowMs,
    bucketMs,
    buckets: traffic.stretches(bucketMs, count, nowMs),
    totals: traffic.total(bucketMs, count, nowMs),
    inFlight: inFlight(),
    budgets: await budgets(),
    tops: {
      models: models.list,
      tenants: tenants.list,
      denials: denials.list,
      failing: failing.list,
      others: {
        models: models.others,
        tenants: tenants.others,
        denials: denials.others,
        failing: failing.others,
      },
    },
  };
}
