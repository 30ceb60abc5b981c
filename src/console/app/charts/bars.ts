import { type ComponentChildren, h } from "preact";
import { percent } from "../format.ts";

/** A thin bar for a share from 0 to 1; the number stands beside it, so it says nothing itself. */
export const Bar = ({ share }: { readonly share: number }): ComponentChildren =>
  h(
    "svg",
    { class: "bar", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" },
    h("rect", { class: "track", width: 100, height: 4 }),
    h("rect", { class: "fill", width: Math.max(0, Math.min(1, share)) * 100, height: 4 }),
  );

interface Part {
  readonly key: string;
  readonly word: string;
  readonly value: number;
}

/** One bar of several parts that are a whole together. */
export function StackedBar({
  label,
  parts,
}: {
  readonly label: string;
  readonly parts: readonly Part[];
}): ComponentChildren {
  const whole = parts.reduce((sum, { value }) => sum + value, 0) || 1;
  let x = 0;
  return h(
    "svg",
    {
      class: "burn",
      viewBox: "0 0 100 8",
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `${label}: ${parts.map(({ word, value }) => `${word} ${percent(value / whole)}`).join(", ")}`,
    },
    parts.map(({ key, value }) => {
      const width = (value / whole) * 100;
      const part = h("rect", {
        key,
        class: `part ${key}`,
        x,
        width: value === 0 ? 0 : Math.max(0.4, width - (width < 100 ? 0.4 : 0)),
        height: 8,
      });
      x += width;
      return part;
    }),
  );
}

interface BurnProps {
  /** Shares of the limit. */
  readonly used: number;
  readonly held: number;
  /** Where use would stand if it were spent evenly over the window; absent where there is no window. */
  readonly even?: number | undefined;
  readonly tone: string;
  readonly label: string;
}

/** What of a limit is used and what calls under way hold of it, with a mark where even use would stand by now. */
export const Burn = ({ used, held, even, tone, label }: BurnProps): ComponentChildren => {
  const of = (share: number): number => Math.max(0, Math.min(1, share)) * 100;
  return h(
    "svg",
    { class: `burn ${tone}`, viewBox: "0 0 100 8", preserveAspectRatio: "none", role: "img", "aria-label": label },
    h("rect", { class: "track", width: 100, height: 8 }),
    h("rect", { class: "used", width: of(used), height: 8 }),
    h("rect", { class: "held", x: of(used), width: Math.max(0, of(used + held) - of(used)), height: 8 }),
    even !== undefined &&
      h("line", { class: "mark", x1: of(even), x2: of(even), y1: 0, y2: 8, "vector-effect": "non-scaling-stroke" }),
  );
};
