import { type ComponentChildren, h } from "preact";
import { areaPath, linePath } from "./scale.ts";

interface SparklineProps {
  readonly values: readonly number[];
  /** What a reader who does not see it is told. */
  readonly label: string;
}

/** A line without axes: only how it went. */
export function Sparkline({ values, label }: SparklineProps): ComponentChildren {
  const most = Math.max(...values, 0) || 1;
  const [width, height] = [100, 28];
  const zero = values.map(() => 0);
  return h(
    "svg",
    {
      class: "spark",
      viewBox: `0 -2 ${width} ${height + 4}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": label,
    },
    values.length > 1 && [
      h("path", { class: "under", d: areaPath(zero, values, most, width, height) }),
      h("path", { class: "line", d: linePath(values, most, width, height) }),
    ],
  );
}
