import { runWorkload } from "./run-workload.ts";
import { type WorkloadName, workloads } from "./workloads.ts";

export const seeds = [1, 2, 3] as const;
/** Requests of one run; the first 30 % are not measured. */
export const requests = 4_000;

/**
 * Round-robin's knee for each workload: the arrivals a second at which rate / p90 time to first token is greatest.
 *
 * This is Kleinrock's power (1979), and Jain's knee capacity (The Art of Computer Systems Performance Analysis, 1991, 3.3): beyond it
 * the time grows by a larger part than the load. Unlike the point where a drawn curve seems to bend (Kneedle finds that one) it does not depend
 * on how far the axes reach. Taken from the median of three seeds on a grid of 10 %, by `npm run bench -- picker-knees`, which prints the curves.
 */
export const knees: Readonly<Record<WorkloadName, number>> = {
  sharedPrefixes: 1.43,
  shortAnswers: 5.42,
  multiTurn: 7.93,
  manyAdapters: 7.21,
  reasoning: 1.73,
  bursts: 4.07,
};

/** Where the search begins, arrivals a second: every workload is light there. */
const lightest = 0.5;
const step = 1.1;

export interface CurvePoint {
  readonly perS: number;
  /** p90 time to first token of round-robin, by seed. */
  readonly p90Ms: readonly number[];
  /** Arrivals a second by seconds of the median p90. */
  readonly power: number;
}

/** Round-robin's curve, up to where its power has fallen to half of the greatest. */
export function curveOf(name: WorkloadName): CurvePoint[] {
  const { arrivals, kvTokens } = workloads[name];
  const points: CurvePoint[] = [];
  let most = 0;
  for (let perS = lightest; ; perS *= step) {
    const p90Ms = seeds.map(
      (seed) => runWorkload({ arrivals: arrivals(seed, perS, requests), kvTokens, way: "round-robin" }).ttftP90Ms,
    );
    const power = (perS / p90Ms.toSorted((a, b) => a - b)[1]!) * 1_000;
    points.push({ perS, p90Ms, power });
    most = Math.max(most, power);
    if (power < most / 2) return points;
  }
}

export function kneeOf(points: readonly CurvePoint[]): number {
  return points.reduce((best, point) => (point.power > best.power ? point : best)).perS;
}
