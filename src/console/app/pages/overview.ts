import { type ComponentChildren, h } from "preact";
import type { Bucket, Counts, Overview as OverviewData, OverviewWindow } from "../../api/overview.ts";
import { StackedBar } from "../charts/bars.ts";
import { ColumnChart, type Layer } from "../charts/column-chart.ts";
import { firstShown } from "../charts/scale.ts";
import { compact, dateAndTime, eachText, hourAndMinute } from "../format.ts";
import { BudgetList } from "../parts/budget-list.ts";
import { Card, Outcome, PageHead, Protocol, protocolWord, Segments } from "../parts/marks.ts";
import { Empty, Loaded } from "../parts/states.ts";
import { Tiles } from "../parts/tiles.ts";
import { Tops } from "../parts/tops.ts";
import { setQuery } from "../place.ts";
import { useResource } from "../resource.ts";
import { addressOf, type Place } from "../router.ts";

const windows: readonly (readonly [OverviewWindow, string])[] = [
  ["15m", "15 min"],
  ["1h", "1 hour"],
  ["24h", "24 hours"],
];
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
  /* A gateway that has just begun is no empty field with a spike at its edge. */
  const fromMs = data.buckets[0]?.startMs ?? data.sinceMs;
  const from = firstShown(data.buckets.map(({ calls }) => calls));
  const buckets = data.buckets.slice(from);
  const before = from === 0 ? "" : `, none before ${hourAndMinute(buckets[0]?.startMs ?? 0)}`;
  return h(
    "div",
    { class: "stack" },
    h(Tiles, { data, buckets }),
    h(
      "div",
      { class: "wide-left" },
      h(
        "div",
        { class: "stack fill" },
        h(
          Card,
          { title: "Traffic", note: `Calls ${eachText(data.bucketMs)}${before}` },
          h(ColumnChart, {
            label: "Calls over time, by what was called",
            layers: layersOf(buckets),
            times: buckets.map(({ startMs }) => startMs),
            format: compact,
          }),
        ),
        h(Ends, { counts: data.totals, fromMs }),
      ),
      h(
        Card,
        { title: "Budgets", note: "The mark is where even use would stand by now" },
        h(BudgetList, { budgets: data.budgets, now: data.nowMs }),
      ),
    ),
    h(Tops, { tops: data.tops, fromMs }),
    h(
      "p",
      { class: "scope" },
      `Counted by this process (${data.process}) since ${dateAndTime(data.sinceMs)}. Behind a load balancer it is one of several; chains are of all.`,
    ),
  );
}

function Ends({ counts, fromMs }: { readonly counts: Counts; readonly fromMs: number }): ComponentChildren {
  const outcomes = outcomesOf(counts);
  return h(
    Card,
    { title: "How calls ended" },
    h(StackedBar, { label: "How calls ended", parts: outcomes.map(({ key, value }) => ({ key, word: key, value })) }),
    h(
      "p",
      { class: "legend outcomes" },
      outcomes.map(({ key, value }) =>
        h(
          "a",
          { key, href: addressOf({ page: "chains", query: { outcome: key, from: `${fromMs}` } }) },
          h(Outcome, { of: key, count: value }),
        ),
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
