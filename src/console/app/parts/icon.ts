import { type ComponentChildren, h } from "preact";

/* One line each, on a grid of 20. */
const paths = {
  overview: "M3 16V9m5 7V4m5 12v-5m4 5V7",
  chains: "M4 4h6M4 4v9a2 2 0 0 0 2 2h4M4 9h6m3-7h4v4h-4zm0 5h4v4h-4zm0 6h4v4h-4z",
  policies: "M10 2.5 4 5v4.5c0 4 2.6 6.6 6 8 3.4-1.4 6-4 6-8V5zm-2.5 7.3 1.8 1.8 3.3-3.5",
  models: "M3 3h6v6H3zm8 0h6v6h-6zm-8 8h6v6H3zm8 0h6v6h-6z",
  connect: "M7 3v4m6-4v4M5 7h10v3a5 5 0 0 1-10 0zm5 8v3",
  good: "m4 10.5 4 4 8-9",
  bad: "m5 5 10 10M15 5 5 15",
  warn: "M10 3 2.5 16.5h15zM10 8v4m0 2v.4",
  stop: "M10 2.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15M5 15 15 5",
  cut: "M3 10h5m4 0h5M9 5l2 10",
  clock: "M10 2.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15M10 6v4l3 2",
  sun: "M10 6.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7M10 2v1.5m0 13V18m8-8h-1.5m-13 0H2m13.7-5.7-1 1m-9.4 9.4-1 1m11.4 0-1-1M5.3 5.3l-1-1",
  moon: "M16.5 11.5A7 7 0 1 1 8.5 3.5a5.5 5.5 0 0 0 8 8",
  auto: "M3 4h14v9H3zm4 13h6m-3-4v4",
  right: "m8 5 5 5-5 5",
  down: "m5 8 5 5 5-5",
  copy: "M7 7h9v9H7zm-3 6V4h9",
  search: "M9 3.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11m4 9.5 4 4",
  out: "M8 4H4v12h4m3-9 3 3-3 3m3-3H8",
  gate: "M3 17V8a7 7 0 0 1 14 0v9M7 17v-6m6 6v-6M3 11h14",
} as const;
export type IconName = keyof typeof paths;

/** A sign of one line. It says nothing to a screen reader: the word stands beside it. */
export function Icon({ name, size = 18 }: { readonly name: IconName; readonly size?: number }): ComponentChildren {
  const line = {
    fill: "none",
    stroke: "currentColor",
    "stroke-width": "1.6",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
  };
  return h(
    "svg",
    { viewBox: "0 0 20 20", width: size, height: size, "aria-hidden": "true", ...line },
    h("path", { d: paths[name] }),
  );
}
