import { complexityWeights, type Weights } from "./complexity-weights.ts";
import { type Asked, parts, type Part, readSignals, signalNames, signalParts, type Signals } from "./signals.ts";

/** How hard a request seems. */
export interface Complexity {
  /** From 0, which any model does, to 1, which only the strongest does. */
  readonly score: number;
  /** For each part the strongest of its signals, from 0 to 1: how much of it there is, whatever its weight. */
  readonly parts: Readonly<Record<Part, number>>;
}

/** The complexity of a request by the bundled weights. */
export function measureComplexity(asked: Asked): Complexity {
  const signals = readSignals(asked);
  return { score: scoreSignals(signals, complexityWeights), parts: toParts(signals) };
}

/** The score from 0 to 1 that weights give signals. */
export function scoreSignals(signals: Signals, weights: Weights): number {
  let sum = weights.bias;
  for (let index = 0; index < signals.length; index++) sum += signals[index]! * weights.signals[signalNames[index]!];
  return 1 / (1 + Math.exp(-sum));
}

function toParts(signals: Signals): Record<Part, number> {
  const strongest = Object.fromEntries(parts.map((part) => [part, 0])) as Record<Part, number>;
  for (let index = 0; index < signals.length; index++) {
    const part = signalParts[signalNames[index]!];
    strongest[part] = Math.max(strongest[part], signals[index]!);
  }
  return strongest;
}
