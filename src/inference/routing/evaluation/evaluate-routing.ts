import { scoreSignals } from "../complexity.ts";
import { complexityWeights, priorWeights, type Weights } from "../complexity-weights.ts";
import { readSignals, type Signals } from "../signals.ts";
import { fitWeights } from "./fit-weights.ts";
import { type Lead, leadOf } from "./lead.ts";
import { type Labelled, splitHalves } from "./labelled-file.ts";
import { type CurveFigures, type QualityCurve, toCurve, toFigures } from "./quality-curve.ts";

/** One way of choosing between the models, measured on the half that nothing was fitted on. */
export interface RatedRouter {
  readonly name: RouterName;
  readonly curve: QualityCurve;
  readonly figures: CurveFigures;
  /** Its lead over prompt length; undefined where the strong model is no better, so that nobody leads. */
  readonly lead: Lead | undefined;
}

/** What a rule such as `llm.complexity > 0.6` would have done. */
export interface Threshold {
  readonly above: number;
  /** Share of calls that went to the strong model. */
  readonly strongShare: number;
  /** Mean quality of all answers. */
  readonly quality: number;
}

/**
 * `fitted`: weights from this file's other half; `bundled`: `llm.complexity` as it comes; `length`: longer prompts to the strong model;
 * `random`: what chance gives on average; `oracle`: knows the answers.
 */
export type RouterName = "fitted" | "bundled" | "length" | "random" | "oracle";

export interface RoutingReport {
  readonly tuneRows: number;
  readonly heldRows: number;
  /** Mean quality of either model on the held half. */
  readonly weakQuality: number;
  readonly strongQuality: number;
  readonly routers: readonly RatedRouter[];
  /** Rules on `llm.complexity`, from the lowest threshold to the highest. */
  readonly thresholds: readonly Threshold[];
  /** What was fitted on the tuning half. */
  readonly fitted: Weights;
}

/* Chosen by cross-validation within tuning halves among 0.5, 1, 4, 16 and 64. */
const PRIOR_STRENGTH = 1;

/** Reports how well requests are routed; undefined where a half has no rows. */
export function evaluateRouting(rows: readonly Labelled[]): RoutingReport | undefined {
  const { tune, held } = splitHalves(rows);
  if (tune.length === 0 || held.length === 0) return undefined;
  const fitted = fitWeights(
    tune.map((row) => ({ signals: signalsOf(row), gain: row.strong - row.weak })),
    { prior: priorWeights, strength: PRIOR_STRENGTH },
  );
  const signals = held.map(signalsOf);
  const lengths = held.map((row) => row.prompt.length);
  const complexities = signals.map((one) => scoreSignals(one, complexityWeights));
  const rate = (name: RouterName, scores: readonly number[]): RatedRouter => {
    const curve = toCurve(held, scores);
    return { name, curve, figures: toFigures(curve), lead: leadOf(held, scores, lengths) };
  };
  const routers = [
    rate(
      "fitted",
      signals.map((one) => scoreSignals(one, fitted)),
    ),
    rate("bundled", complexities),
    rate("length", lengths),
    rate(
      "random",
      held.map(() => 0),
    ),
    rate(
      "oracle",
      held.map((row) => row.strong - row.weak),
    ),
  ];
  const { curve } = routers[0]!;
  return {
    tuneRows: tune.length,
    heldRows: held.length,
    weakQuality: curve[0]!.quality,
    strongQuality: curve.at(-1)!.quality,
    routers,
    thresholds: thresholds.map((above) => toThreshold(held, complexities, above)),
    fitted,
  };
}

const thresholds = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

function toThreshold(rows: readonly Labelled[], complexities: readonly number[], above: number): Threshold {
  let strong = 0;
  let quality = 0;
  for (const [index, row] of rows.entries()) {
    const chosen = complexities[index]! > above;
    if (chosen) strong++;
    quality += chosen ? row.strong : row.weak;
  }
  return { above, strongShare: strong / rows.length, quality: quality / rows.length };
}

function signalsOf({ prompt }: Labelled): Signals {
  return readSignals({ messages: [{ role: "user", content: prompt }], tools: [] });
}
