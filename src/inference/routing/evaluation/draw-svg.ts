import type { RouterName, RoutingReport } from "./evaluate-routing.ts";
import { qualityAt, type QualityCurve } from "./quality-curve.ts";

const WIDTH = 720;
const HEIGHT = 440;
const LEFT = 72;
const TOP = 24;
const PLOT_WIDTH = 480;
const PLOT_HEIGHT = 352;
const STEPS = 120;

/* Colours that differ in lightness too; the chance line is dashed. */
const lines: readonly { readonly name: RouterName; readonly style: string }[] = [
  { name: "oracle", style: 'stroke="#9aa0a6"' },
  { name: "random", style: 'stroke="#9aa0a6" stroke-dasharray="5 5"' },
  { name: "length", style: 'stroke="#c2410c"' },
  { name: "bundled", style: 'stroke="#0f766e"' },
  { name: "fitted", style: 'stroke="#1d4ed8" stroke-width="2.5"' },
];

/** The quality-cost curves of a report as an SVG document of its own, which fetches nothing and runs nothing. */
export function drawSvg({ routers, heldRows }: RoutingReport): string {
  const drawn = lines.flatMap(({ name, style }) => {
    const router = routers.find((one) => one.name === name);
    return router === undefined ? [] : [{ name, style, apgr: router.figures.apgr, qualities: toSteps(router.curve) }];
  });
  const all = drawn.flatMap(({ qualities }) => qualities);
  const low = Math.min(...all);
  const high = Math.max(...all);
  const toY = (quality: number) => TOP + PLOT_HEIGHT * (high > low ? (high - quality) / (high - low) : 1);
  const paths = drawn.map(({ style, qualities }) => {
    const points = qualities.map(
      (quality, step) => `${round(LEFT + (PLOT_WIDTH * step) / STEPS)},${round(toY(quality))}`,
    );
    return `<polyline fill="none" ${style} points="${points.join(" ")}"/>`;
  });
  const legend = drawn.map(({ name, style, apgr }, index) => {
    const y = TOP + 12 + index * 22;
    const x = LEFT + PLOT_WIDTH + 20;
    const figure = Number.isNaN(apgr) ? "" : ` ${apgr.toFixed(3)}`;
    return `<line x1="${x}" x2="${x + 24}" y1="${y}" y2="${y}" ${style}/><text x="${x + 32}" y="${y + 4}">${name}${figure}</text>`;
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13" fill="#1f2937" role="img">`,
    `<title>Quality against cost, ${heldRows} prompts (APGR beside each name)</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    ...toGrid(low, high),
    `<g stroke-width="1.5">`,
    ...paths,
    "</g>",
    ...legend,
    "</svg>",
  ].join("\n")}\n`;
}

function toGrid(low: number, high: number): readonly string[] {
  const bottom = TOP + PLOT_HEIGHT;
  const marks = [0, 0.25, 0.5, 0.75, 1];
  return [
    ...marks.map((way) => {
      const y = round(bottom - PLOT_HEIGHT * way);
      const quality = (low + (high - low) * way).toFixed(3);
      return `<line x1="${LEFT}" x2="${LEFT + PLOT_WIDTH}" y1="${y}" y2="${y}" stroke="#e5e7eb"/><text x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${quality}</text>`;
    }),
    ...marks.map(
      (way) => `<text x="${LEFT + PLOT_WIDTH * way}" y="${bottom + 20}" text-anchor="middle">${way * 100}%</text>`,
    ),
    `<text x="${LEFT + PLOT_WIDTH / 2}" y="${bottom + 44}" text-anchor="middle">calls to the strong model</text>`,
  ];
}

function toSteps(curve: QualityCurve): readonly number[] {
  return Array.from({ length: STEPS + 1 }, (_, step) => qualityAt(curve, step / STEPS));
}

const round = (value: number): number => Math.round(value * 10) / 10;
