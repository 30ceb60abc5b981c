import { type ComponentChildren, h } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Bucket, Counts, Overview as OverviewData, OverviewWindow, Tick } from "../../api/overview.ts";
import { AreaChart, type Layer } from "../charts/area-chart.ts";
import { StackedBar } from "../charts/bars.ts";
import { Sparkline } from "../charts/sparkline.ts";
import { compact, count, dateAndTime, duration, money, percent } from "../format.ts";
import { onTick } from "../live-events.ts";
import { BudgetList } from "../parts/budget-list.ts";
import { Card, Outcome, PageHead, Protocol, protocolWord, Segments } from "../parts/marks.ts";
import { Empty, Loaded } from "../parts/states.ts";
import { Tops } from "../parts/tops.ts";
import { setQuery } from "../place.ts";
import { useResource } from "../resource.ts";
import type { Place } from "../router.ts";

const windows: readonly (readonly [OverviewWindow, string])[] = [
  ["15m", "15 min"],
  ["1h", "1 hour"],
  ["24h", "24 hours"],
];
const windowMs: Readonly<Record<OverviewWindow, number>> = { "15m": 900_000, "1h": 3_600_000, "24h": 86_400_000 };
const REFRESH_MS = 5_000;

/** What goes on: traffic, errors, latency, tokens, money, and how the budgets burn down. */
export function Overview({ at }: { readonly at: Place }): ComponentChildren {
  const window = windows.find(([name]) => name === at.query["window"])?.[0] ?? "1h";
  const overview = useResource<OverviewData>(`/api/overview?window=${window}`, { everyMs: REFRESH_MS });
  return h(
    "div",
    null,
    h(
      PageHead,
      {
        title: "Overview",
        actions: h(Segments<OverviewWindow>, {
          label: "Time shown",
          options: windows,
          value: window,
          onChange: (value) => setQuery({ window: value === "1h" ? "" : value }),
        }),
      },
      "Every call of a tool, an agent or a model that passed this gateway.",
    ),
    h(Loaded<OverviewData>, {
      from: overview,
      children: (data) => (isQuiet(data) ? h(FirstStart, { data }) : h(Busy, { data })),
    }),
  );
}

const isQuiet = ({ totals, inFlight }: OverviewData): boolean => totals.calls === 0 && inFlight === 0;

function FirstStart({ data }: { readonly data: OverviewData }): ComponentChildren {
  const longer = data.window !== "24h";
  return h(
    "div",
    { class: "stack" },
    h(
      "div",
      { class: "card" },
      h(
        Empty,
        {
          icon: "overview",
          title: "No calls yet in this time",
          action: [
            h("a", { class: "button main", key: "connect", href: "/connect" }, "Connect a client"),
            longer && h("a", { class: "button", key: "longer", href: "/?window=24h" }, "Look at 24 hours"),
          ],
        },
        "Point an agent, an SDK or curl at this gateway: the first call shows up here within a second.",
      ),
    ),
    data.budgets.length > 0 && h(Card, { title: "Budgets" }, h(BudgetList, { budgets: data.budgets, now: data.nowMs })),
  );
}

function Busy({ data }: { readonly data: OverviewData }): ComponentChildren {
  return h(
    "div",
    { class: "stack" },
    h(Tiles, { data }),
    h(
      "div",
      { class: "wide-left" },
      h(
        "div",
        { class: "stack fill" },
        h(
          Card,
          { title: "Traffic", note: `Calls, each point ${duration(data.bucketMs)}` },
          h(AreaChart, {
            label: "Calls over time, by what was called",
            layers: layersOf(data.buckets),
            times: data.buckets.map(({ startMs }) => startMs),
            format: compact,
          }),
        ),
        h(Ends, { counts: data.totals }),
      ),
      h(
        Card,
        { title: "Budgets", note: "What is used of each limit; the mark is where even use would stand by now" },
        h(BudgetList, { budgets: data.budgets, now: data.nowMs }),
      ),
    ),
    h(Tops, { tops: data.tops }),
    h(
      "p",
      { class: "scope" },
      `Counted by this process (${data.process}) since ${dateAndTime(data.sinceMs)}. Behind a load balancer it is one of several; chains are of all.`,
    ),
  );
}

function Ends({ counts }: { readonly counts: Counts }): ComponentChildren {
  const outcomes = outcomesOf(counts);
  return h(
    Card,
    { title: "How calls ended" },
    h(StackedBar, { label: "How calls ended", parts: outcomes.map(({ key, value }) => ({ key, word: key, value })) }),
    h(
      "p",
      { class: "legend outcomes" },
      outcomes.map(({ key, value }) =>
        h("a", { key, href: `/chains?outcome=${key}` }, h(Outcome, { of: key, count: value })),
      ),
    ),
  );
}

const outcomesOf = (counts: Counts): readonly { readonly key: string; readonly value: number }[] =>
  (["ok", "denied", "limited", "failed", "aborted"] as const)
    .map((key) => ({ key, value: counts[key] }))
    .filter(({ key, value }) => value > 0 || key === "ok");

const order = ["llm", "mcp", "a2a", "http"];
function layersOf(buckets: readonly Bucket[]): readonly Layer[] {
  const names = new Set(
    buckets.flatMap(({ byProtocol }) => Object.keys(byProtocol).filter((name) => (byProtocol[name] ?? 0) > 0)),
  );
  return [...names]
    .toSorted((one, other) => order.indexOf(one) - order.indexOf(other))
    .map((key) => ({
      key,
      word: protocolWord(key),
      mark: h(Protocol, { of: key }),
      values: buckets.map(({ byProtocol }) => byProtocol[key] ?? 0),
    }));
}

/** What came in since the last answer was made, second by second. */
function useLiveTick(): Tick | undefined {
  const [tick, setTick] = useState<Tick | undefined>(undefined);
  useEffect(() => onTick(setTick), []);
  return tick;
}

function Tiles({ data: { totals, buckets, inFlight, window } }: { readonly data: OverviewData }): ComponentChildren {
  const tick = useLiveTick();
  const perMinute = (totals.calls / windowMs[window]) * 60_000;
  const { p50, p95, p99 } = totals.latency;
  const wrong = totals.failed + totals.aborted;
  const refused = totals.denied + totals.limited;
  const over = windows.find(([name]) => name === window)?.[1] ?? "";
  const line = (what: string, values: readonly number[]): ComponentChildren =>
    h(Sparkline, { values, label: `${what} over the last ${over}` });
  const sum = (read: (bucket: Bucket) => number): readonly number[] => buckets.map(read);
  return h(
    "dl",
    { class: "tiles" },
    h(
      Tile,
      {
        name: "Calls",
        figure: compact(totals.calls),
        note: `${compact(perMinute)} a minute, ${count(tick?.inFlight ?? inFlight)} under way`,
      },
      line(
        "Calls",
        sum(({ calls }) => calls),
      ),
    ),
    h(
      Tile,
      { name: "Errors", figure: percent(share(wrong, totals.calls)), note: `${count(wrong)} failed or left` },
      line(
        "Errors",
        sum(({ failed, aborted }) => failed + aborted),
      ),
    ),
    h(
      Tile,
      {
        name: "Refused",
        figure: count(refused),
        note: `${count(totals.denied)} by policy, ${count(totals.limited)} by limits`,
      },
      line(
        "Refusals",
        sum(({ denied, limited }) => denied + limited),
      ),
    ),
    h(
      Tile,
      {
        name: "Latency, p95",
        figure: duration(p95 ?? undefined),
        note: `p50 ${duration(p50 ?? undefined)}, p99 ${duration(p99 ?? undefined)}`,
      },
      line(
        "Latency",
        sum(({ latency }) => latency.p95 ?? 0),
      ),
    ),
    h(
      Tile,
      {
        name: "Tokens",
        figure: compact(totals.inputTokens + totals.outputTokens),
        note: `${compact(totals.inputTokens)} in, ${compact(totals.outputTokens)} out`,
      },
      line(
        "Tokens",
        sum(({ inputTokens, outputTokens }) => inputTokens + outputTokens),
      ),
    ),
    h(
      Tile,
      { name: "Cost", figure: money(totals.costNanos), note: `${count(totals.cacheHits)} answers from the cache` },
      line(
        "Cost",
        sum(({ costNanos }) => costNanos),
      ),
    ),
  );
}

const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

interface TileProps {
  readonly name: string;
  readonly figure: string;
  readonly note: string;
  readonly children?: ComponentChildren;
}

const Tile = ({ name, figure, note, children }: TileProps): ComponentChildren =>
  h(
    "div",
    { class: "tile" },
    h("dt", null, name),
    h("dd", null, h("div", { class: "figure" }, figure), h("div", { class: "note" }, note), children),
  );
