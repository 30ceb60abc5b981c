import { type ComponentChildren, h } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Bucket, Overview, Tick } from "../../api/overview.ts";
import { Sparkline } from "../charts/sparkline.ts";
import { compact, count, duration, eachText, money, percent } from "../format.ts";
import { onTick } from "../live-events.ts";
import { Tile } from "./marks.ts";

/** What came in since the last answer was made, second by second. */
function useLiveTick(): Tick | undefined {
  const [tick, setTick] = useState<Tick | undefined>(undefined);
  useEffect(() => onTick(setTick), []);
  return tick;
}

interface TilesProps {
  readonly data: Overview;
  /** Those that are drawn. */
  readonly buckets: readonly Bucket[];
}

/** The figures of the time that is looked at, each with how it went. */
export function Tiles({ data: { totals, inFlight, bucketMs, buckets: all }, buckets }: TilesProps): ComponentChildren {
  const tick = useLiveTick();
  const perHour = (totals.calls / (all.length * bucketMs)) * 3_600_000;
  /* Of few calls a minute would say nothing. */
  const rate =
    perHour < 6
      ? `${compact(perHour)} an hour`
      : `${compact(perHour < 600 ? perHour / 60 : Math.round(perHour / 60))} a minute`;
  const { p50, p95, p99 } = totals.latency;
  const wrong = totals.failed + totals.aborted;
  const refused = totals.denied + totals.limited;
  const line = (
    what: string,
    format: (value: number) => string,
    read: (bucket: Bucket) => number | undefined,
  ): ComponentChildren => h(Sparkline, { values: buckets.map(read), label: `${what} ${eachText(bucketMs)}`, format });
  return h(
    "dl",
    { class: "tiles" },
    h(
      Tile,
      {
        name: "Calls",
        figure: compact(totals.calls),
        note: `${rate}, ${count(tick?.inFlight ?? inFlight)} under way`,
      },
      line("Calls", compact, ({ calls }) => calls),
    ),
    h(
      Tile,
      { name: "Errors", figure: percent(share(wrong, totals.calls)), note: `${count(wrong)} failed or left` },
      line("Errors", compact, ({ failed, aborted }) => failed + aborted),
    ),
    h(
      Tile,
      {
        name: "Refused",
        figure: count(refused),
        note: `${count(totals.denied)} by policy, ${count(totals.limited)} by limits`,
      },
      line("Refusals", compact, ({ denied, limited }) => denied + limited),
    ),
    h(
      Tile,
      {
        name: "Latency, p95",
        figure: duration(p95 ?? undefined),
        note: `p50 ${duration(p50 ?? undefined)}, p99 ${duration(p99 ?? undefined)}`,
      },
      line("Latency, p95", duration, ({ latency }) => latency.p95 ?? undefined),
    ),
    h(
      Tile,
      {
        name: "Tokens",
        figure: compact(totals.inputTokens + totals.outputTokens),
        note: `${compact(totals.inputTokens)} in, ${compact(totals.outputTokens)} out`,
      },
      line("Tokens", compact, ({ inputTokens, outputTokens }) => inputTokens + outputTokens),
    ),
    h(
      Tile,
      { name: "Cost", figure: money(totals.costNanos), note: `${count(totals.cacheHits)} answers from the cache` },
      line("Cost", money, ({ costNanos }) => costNanos),
    ),
  );
}

const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
