import type { Labelled } from "./labelled-file.ts";

/** A point of a curve: what share of calls goes to the strong model, and the mean quality of all answers then. */
export interface CurvePoint {
  readonly strongShare: number;
  readonly quality: number;
}

/** Quality against cost, from no call to the strong model to all of them; shares never fall from point to point. */
export type QualityCurve = readonly CurvePoint[];

/**
 * The curve of a router that sends the rows with the highest scores to the strong model. Rows of one score cannot be told apart: the
 * curve passes straight over them, as it would on average over their orders.
 */
export function toCurve(rows: readonly Labelled[], scores: ArrayLike<number>): QualityCurve {
  const order = rows.map((_, index) => index).toSorted((a, b) => scores[b]! - scores[a]!);
  let quality = 0;
  for (const row of rows) quality += row.weak;
  const curve: CurvePoint[] = [{ strongShare: 0, quality: quality / rows.length }];
  for (const [done, index] of order.entries()) {
    const row = rows[index]!;
    quality += row.strong - row.weak;
    const next = order[done + 1];
    if (next !== undefined && scores[next] === scores[index]) continue;
    curve.push({ strongShare: (done + 1) / rows.length, quality: quality / rows.length });
  }
  return curve;
}

/** The quality at a share of strong calls, between points on a straight line. */
export function qualityAt(curve: QualityCurve, strongShare: number): number {
  for (let index = 1; index < curve.length; index++) {
    const from = curve[index - 1]!;
    const to = curve[index]!;
    if (strongShare > to.strongShare) continue;
    const way = (strongShare - from.strongShare) / (to.strongShare - from.strongShare);
    return from.quality + way * (to.quality - from.quality);
  }
  return curve.at(-1)!.quality;
}

/** What a curve comes to (RouteLLM, arXiv 2406.18665, section 3.3). */
export interface CurveFigures {
  /** Average performance gap recovered: the area between the weak model's line and the curve, over that of a perfect start. 0.5 is chance. */
  readonly apgr: number;
  /** The least share of strong calls that recovers half of the gap; undefined where no share does. */
  readonly cpt50: number | undefined;
  /** The same for eight tenths of the gap. */
  readonly cpt80: number | undefined;
}

/** The figures of a curve; NaN for `apgr` where the strong model is no better than the weak one, since there is no gap to recover. */
export function toFigures(curve: QualityCurve): CurveFigures {
  const weak = curve[0]!.quality;
  const gap = curve.at(-1)!.quality - weak;
  if (!(gap > 0)) return { apgr: Number.NaN, cpt50: undefined, cpt80: undefined };
  let area = 0;
  for (let index = 1; index < curve.length; index++) {
    const from = curve[index - 1]!;
    const to = curve[index]!;
    area += ((from.quality + to.quality) / 2 - weak) * (to.strongShare - from.strongShare);
  }
  return { apgr: area / gap, cpt50: shareFor(curve, weak + gap * 0.5), cpt80: shareFor(curve, weak + gap * 0.8) };
}

function shareFor(curve: QualityCurve, quality: number): number | undefined {
  for (let index = 1; index < curve.length; index++) {
    const from = curve[index - 1]!;
    const to = curve[index]!;
    if (to.quality < quality) continue;
    const way = (quality - from.quality) / (to.quality - from.quality);
    return from.strongShare + way * (to.strongShare - from.strongShare);
  }
  return undefined;
}
