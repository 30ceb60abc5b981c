import { type ComponentChildren, h } from "preact";
import { useState } from "preact/hooks";
import { hourAndMinute, timeOfDay } from "../format.ts";
import { roundUp, stack } from "./scale.ts";

export interface Layer {
  readonly key: string;
  readonly word: string;
  readonly mark: ComponentChildren;
  readonly values: readonly number[];
}

interface ColumnChartProps {
  readonly label: string;
  readonly layers: readonly Layer[];
  /** When each value begins, milliseconds since the epoch. */
  readonly times: readonly number[];
  format(value: number): string;
}

const [WIDTH, HEIGHT] = [600, 160];
/* Of the width of a column and the gap behind it. */
const FILLED = 0.82;
/* Within so short a time minutes would be said twice. */
const SHORT_MS = 300_000;

/** Columns over time, layer on layer. A cursor (mouse or arrow keys) reads one moment out; the table behind holds them all. */
export function ColumnChart({ label, layers, times, format }: ColumnChartProps): ComponentChildren {
  const [at, setAt] = useState<number | undefined>(undefined);
  const stacked = stack(layers.map(({ values }) => values));
  const most = roundUp(Math.max(...(stacked.at(-1)?.upper ?? []), 0));
  const last = times.length - 1;
  const step = WIDTH / Math.max(times.length, 1);
  const shown = at === undefined ? undefined : Math.min(at, last);
  const move = (to: number): void => setAt(Math.max(0, Math.min(last, to)));
  const y = (value: number): number => HEIGHT - (value / most) * HEIGHT;

  function onKeyDown(event: KeyboardEvent): void {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by !== undefined) move((shown ?? (by < 0 ? last + 1 : -1)) + by);
    else if (event.key === "Home") move(0);
    else if (event.key === "End") move(last);
    else if (event.key === "Escape") setAt(undefined);
    else return;
    event.preventDefault();
  }
  function onPointerMove(event: PointerEvent): void {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect();
    move(Math.floor(((event.clientX - left) / width) * times.length));
  }

  return h(
    "figure",
    { class: "chart" },
    h(
      "div",
      { class: "legend", "aria-live": "polite" },
      layers.map(({ key, mark, values }) =>
        h("span", { key }, mark, " ", h("b", null, format(shown === undefined ? sumOf(values) : (values[shown] ?? 0)))),
      ),
      shown !== undefined && h("span", null, `at ${timeOfDay(times[shown] ?? 0)}`),
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
        [0, 0.5, 1].map((share) =>
          h("line", { key: share, class: "rule", x1: 0, x2: WIDTH, y1: share * HEIGHT, y2: share * HEIGHT }),
        ),
        shown !== undefined && h("rect", { class: "cursor", x: shown * step, width: step, y: 0, height: HEIGHT }),
        layers.flatMap(({ key, values }, index) =>
          values.map((value, moment) => {
            const top = stacked[index]?.upper[moment] ?? 0;
            return (
              value > 0 &&
              h("rect", {
                key: `${key} ${moment}`,
                class: `part ${key}`,
                x: (moment + (1 - FILLED) / 2) * step,
                width: step * FILLED,
                y: y(top),
                height: y(top - value) - y(top),
              })
            );
          }),
        ),
      ),
      h(
        "div",
        { class: "axis-y", "aria-hidden": "true" },
        [most, most / 2, 0].map((value) => h("span", { key: value }, format(value))),
      ),
      h(Times, { times }),
    ),
    h(ValueTable, { label, layers, times, format }),
  );
}

function Times({ times }: { readonly times: readonly number[] }): ComponentChildren {
  const last = times.length - 1;
  const format = (times[last] ?? 0) - (times[0] ?? 0) < SHORT_MS ? timeOfDay : hourAndMinute;
  return h(
    "div",
    { class: "axis-x", "aria-hidden": "true" },
    [0, Math.floor(last / 2), last].map((index) => h("span", { key: index }, format(times[index] ?? 0))),
  );
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/* For screen readers, which get no picture. Moments without any value would only be noise. */
const ValueTable = ({ label, layers, times, format }: ColumnChartProps): ComponentChildren =>
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
              h("td", null, timeOfDay(time)),
              layers.map(({ key, values }) => h("td", { key }, format(values[index] ?? 0))),
            ),
        ),
      ),
    ),
  );
