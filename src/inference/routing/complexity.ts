import type { Complexity, ComplexityParts } from "../../core/operation.ts";
import { complexityWeights, type Weights } from "./complexity-weights.ts";
import { type Asked, parts, type Part, readSignals, signalNames, signalParts, type Signals } from "./signals.ts";

interface Measured {
  readonly score: number;
  readonly parts: ComplexityParts;
}

/** The complexity of a request by the bundled weights. Of the signals of a part the strongest stands for it. */
export function measureComplexity(asked: Asked): Measured {
  const signals = readSignals(asked);
  return { score: scoreSignals(signals, complexityWeights), parts: toParts(signals) };
}

/** The same, measured when it is first read and then kept: most calls meet no rule that asks. */
export class LazyComplexity implements Complexity {
  readonly #asked: Asked;
  #measured: Measured | undefined;

  constructor(asked: Asked) {
    this.#asked = asked;
  }

  get score(): number {
    return this.#measure().score;
  }
  get parts(): ComplexityParts {
    return this.#measure().parts;
  }

  /** What was measured; undefined where nobody has read it. */
  get measured(): Measured | undefined {
    return this.#measured;
  }

  #measure(): Measured {
    return (this.#measured ??= measureComplexity(this.#asked));
  }
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
