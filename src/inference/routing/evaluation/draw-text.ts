import type { RatedRouter, RoutingReport } from "./evaluate-routing.ts";
import type { Lead } from "./lead.ts";
import { qualityAt, type QualityCurve } from "./quality-curve.ts";

const WIDTH = 61;
const HEIGHT = 16;

/* Drawn in this order: what comes later stands over what came before. */
const marks = [
  ["random", "."],
  ["length", "-"],
  ["fitted", "*"],
  ["bundled", "o"],
] as const;

/** The report as text: a table of the routers, and the quality-cost curves in characters. Lines end with `\n`. */
export function drawText(report: RoutingReport): string {
  const { tuneRows, heldRows, weakQuality, strongQuality, routers } = report;
  const head = [
    `${heldRows} prompts reported on, ${tuneRows} others fitted on`,
    `weak model ${toFixed(weakQuality)}, strong model ${toFixed(strongQuality)}`,
  ];
  const rules = report.thresholds.map(({ above, strongShare, quality }) =>
    [`> ${above}`.padEnd(16), toShare(strongShare), toFixed(quality).padStart(8)].join("  "),
  );
  return `${[
    ...head,
    "",
    ...toTable(routers),
    "",
    "llm.complexity    strong   quality",
    ...rules,
    "",
    ...toPlot(report),
  ].join("\n")}\n`;
}

function toTable(routers: readonly RatedRouter[]): readonly string[] {
  const rows = routers.map(({ name, figures: { apgr, cpt50, cpt80 }, lead }) =>
    [
      name.padEnd(8),
      (Number.isNaN(apgr) ? "-" : apgr.toFixed(3)).padStart(6),
      toShare(cpt50),
      toShare(cpt80),
      name === "length" || lead === undefined ? "" : toLead(lead),
    ]
      .join("  ")
      .trimEnd(),
  );
  return ["router      APGR   CPT50   CPT80  over prompt length (95 of 100)", ...rows];
}

const toLead = ({ apgr, low, high }: Lead): string => `${toSigned(apgr)} (${toSigned(low)} to ${toSigned(high)})`;

const toSigned = (value: number): string => `${value < 0 ? "" : "+"}${value.toFixed(3)}`;

const toShare = (share: number | undefined): string =>
  (share === undefined ? "-" : `${(share * 100).toFixed(1)}%`).padStart(6);

const toFixed = (quality: number): string => quality.toFixed(4);

function toPlot({ routers, weakQuality, strongQuality }: RoutingReport): readonly string[] {
  const drawn = marks.flatMap(([name, mark]) => {
    const router = routers.find((one) => one.name === name);
    return router === undefined ? [] : [{ name, mark, qualities: toColumns(router.curve) }];
  });
  const all = drawn.flatMap(({ qualities }) => qualities);
  const low = Math.min(...all);
  const high = Math.max(...all);
  const rows = Array.from({ length: HEIGHT }, () => Array.from({ length: WIDTH }, () => " "));
  for (const { mark, qualities } of drawn)
    for (const [column, quality] of qualities.entries()) {
      const up = high > low ? (quality - low) / (high - low) : 0;
      rows[HEIGHT - 1 - Math.round(up * (HEIGHT - 1))]![column] = mark;
    }
  const labels = new Map([
    [0, toFixed(high)],
    [HEIGHT - 1, toFixed(low)],
  ]);
  return [
    "quality",
    ...rows.map((row, index) => `${(labels.get(index) ?? "").padStart(10)} |${row.join("").trimEnd()}`),
    `${" ".repeat(11)}+${"-".repeat(WIDTH)}`,
    `${" ".repeat(12)}0%${"calls to the strong model".padStart(42)}${"100%".padStart(WIDTH - 44)}`,
    `${" ".repeat(12)}${drawn.map(({ name, mark }) => `${mark} ${name}`).join("   ")}`,
    ...(strongQuality > weakQuality
      ? []
      : ["the strong model is no better than the weak one here: there is no gap to recover"]),
  ];
}

function toColumns(curve: QualityCurve): readonly number[] {
  return Array.from({ length: WIDTH }, (_, column) => qualityAt(curve, column / (WIDTH - 1)));
}
