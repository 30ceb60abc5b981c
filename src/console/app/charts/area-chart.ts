import { type ComponentChildren, h } from "preact";
import { useState } from "preact/hooks";
import { hourAndMinute } from "../format.ts";
import { areaPath, roundUp, stack } from "./scale.ts";

export interface Layer {
  readonly key: string;
  readonly word: string;
  readonly mark: ComponentChildren;
  readonly values: readonly number[];
}

interface AreaChartProps {
  readonly label: string;
  readonly layers: readonly Layer[];
  /** When each value begins, milliseconds since the epoch. */
  readonly times: readonly number[];
  format(value: number): string;
}

const [WIDTH, HEIGHT] = [600, 160];

/** Layers over time, each on those before it. A cursor (mouse or arrow keys) reads one moment out; the table behind holds them all. */
export function AreaChart({ label, layers, times, format }: AreaChartProps): ComponentChildren {
  const [at, setAt] = useState<number | undefined>(undefined);
  const stacked = stack(layers.map(({ values }) => values));
  const sums = stacked.at(-1)?.upper ?? [];
  const most = roundUp(Math.max(...sums, 0));
  const last = times.length - 1;
  const shown = at === undefined ? undefined : Math.min(at, last);
  const move = (to: number): void => setAt(Math.max(0, Math.min(last, to)));
  const x = (index: number): number => (last > 0 ? (index / last) * WIDTH : 0);

  function onKeyDown(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step !== undefined) move((shown ?? (step < 0 ? last + 1 : -1)) + step);
    else if (event.key === "Home") move(0);
    else if (event.key === "End") move(last);
    else if (event.key === "Escape") setAt(undefined);
    else return;
    event.preventDefault();
  }
  function onPointerMove(event: PointerEvent): void {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect();
    move(Math.round(((event.clientX - left) / width) * last));
  }

  return h(
    "figure",
    { class: "chart" },
    h(
      "div",
      { class: "legend", "aria-live": "polite" },
      h("span", null, shown === undefined ? "All" : hourAndMinute(times[shown] ?? 0)),
      layers.map(({ key, mark, values }) =>
        h("span", { key }, mark, " ", h("b", null, format(shown === undefined ? sumOf(values) : (values[shown] ?? 0)))),
      ),
    ),
    h(
      "div",
      { class: "plot" },
      h(
        "svg",
        {
          viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
          preserveAspectRatio: "none",
          role: "img",
          "aria-label": `${label}. Left and right arrow keys read it out moment by moment.`,
          tabIndex: 0,
          onKeyDown,
          onPointerMove,
          onPointerLeave: () => setAt(undefined),
          onBlur: () => setAt(undefined),
        },
        [0.5, 0, 1].map((share) =>
          h("line", { key: share, class: "rule", x1: 0, x2: WIDTH, y1: share * HEIGHT, y2: share * HEIGHT }),
        ),
        layers.map(({ key }, index) => {
          const { lower = [], upper = [] } = stacked[index] ?? {};
          return h("path", { key, class: `layer ${key}`, d: areaPath(lower, upper, most, WIDTH, HEIGHT) });
        }),
        shown !== undefined && h("line", { class: "cursor", x1: x(shown), x2: x(shown), y1: 0, y2: HEIGHT }),
      ),
      h(
        "div",
        { class: "axis-y", "aria-hidden": "true" },
        [most, most / 2, 0].map((value) => h("span", { key: value }, format(value))),
      ),
      h(
        "div",
        { class: "axis-x", "aria-hidden": "true" },
        [0, Math.floor(last / 2), last].map((index) => h("span", { key: index }, hourAndMinute(times[index] ?? 0))),
      ),
    ),
    h(ValueTable, { label, layers, times, format }),
  );
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/* For screen readers, which get no picture. Moments without any value would only be noise. */
const ValueTable = ({ label, layers, times, format }: AreaChartProps): ComponentChildren =>
  h(
    "div",
    { class: "unseen" },
    h(
      "table",
      null,
      h("caption", null, label),
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          h("th", null, "Time"),
          layers.map(({ key, word }) => h("th", { key }, word)),
        ),
      ),
      h(
        "tbody",
        null,
        times.map(
          (time, index) =>
            layers.some(({ values }) => (values[index] ?? 0) > 0) &&
            h(
              "tr",
              { key: time },
              h("td", null, hourAndMinute(time)),
              layers.map(({ key, values }) => h("td", { key }, format(values[index] ?? 0))),
            ),
        ),
      ),
    ),
  );
