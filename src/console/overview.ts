import type { NameKind, Tally } from "../observability/traffic-names.ts";
import type { Traffic } from "../observability/traffic.ts";
import type { BudgetState, Overview, OverviewWindow, Top } from "./api/overview.ts";

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

/** What happened of late, and what is left of budgets. */
export async function readOverview(
  { process, traffic, inFlight, budgets, clock }: OverviewSource,
  window: OverviewWindow,
): Promise<Overview> {
  const { bucketMs, count } = cuts[window];
  const nowMs = clock.now();
  const names = traffic.names(nowMs - count * bucketMs, nowMs);
  const top = (kind: NameKind, weight: (tally: Tally) => number): readonly Top[] =>
    [...names[kind]]
      .toSorted(([, one], [, other]) => weight(other) - weight(one) || other.calls - one.calls)
      .slice(0, MOST_TOPS)
      .map(([name, tally]) => ({ name, ...tally }));
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
      models: top("models", ({ tokens }) => tokens),
      tenants: top("tenants", ({ costNanos }) => costNanos),
      denials: top("denials", ({ calls }) => calls),
      failing: top("failing", ({ calls }) => calls),
    },
  };
}
