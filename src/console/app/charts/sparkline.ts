import { type ComponentChildren, h } from "preact";

interface SparklineProps {
  /** Undefined: nothing is known of that moment, and nothing is drawn. */
  readonly values: readonly (number | undefined)[];
  /** What a reader who does not see it is told. */
  readonly label: string;
  format(value: number): string;
}

const [WIDTH, HEIGHT] = [100, 28];
const FILLED = 0.78;

/** How it went, as columns from nothing to the highest, which stands beside them. */
export function Sparkline({ values, label, format }: SparklineProps): ComponentChildren {
  const most = Math.max(0, ...values.map((value) => value ?? 0));
  const step = WIDTH / Math.max(values.length, 1);
  return h(
    "div",
    { class: "spark" },
    h(
      "svg",
      {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": `${label}, ${format(most)} at most`,
      },
      values.map((value, at) => {
        const height = most > 0 ? ((value ?? 0) / most) * HEIGHT : 0;
        return (
          height > 0 &&
          h("rect", { key: at, x: at * step, width: step * FILLED, y: HEIGHT - height, height: Math.max(height, 0.6) })
        );
      }),
      h("line", { class: "rule", x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }),
    ),
    h(
      "span",
      { class: "axis-y", "aria-hidden": "true" },
      most > 0 && h("span", null, format(most)),
      h("span", null, "0"),
    ),
  );
}
