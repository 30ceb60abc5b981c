import type { Weights } from "../complexity-weights.ts";
import { type SignalName, signalNames, type Signals } from "../signals.ts";

/** What the weights are fitted to. */
export interface Example {
  readonly signals: Signals;
  /** How much better the strong model did: its quality less the weak one's. */
  readonly gain: number;
}

export interface FitOptions {
  /** What is held before data is seen; a signal that no example shows keeps its weight. */
  readonly prior: Weights;
  /** How firmly the prior is held: the inverse of its variance, the same for each signal. */
  readonly strength: number;
}

const STEPS = 12;

/**
 * Weights under which the score of a request is the probability that the strong model does it better: logistic regression by Newton's
 * method with a Gaussian prior. Gains and their absence weigh the same in sum, so 1/2 stands for a request as hard as the others.
 */
export function fitWeights(examples: readonly Example[], { prior, strength }: FitOptions): Weights {
  const size = signalNames.length + 1;
  const start = Float64Array.from([prior.bias, ...signalNames.map((name) => prior.signals[name])]);
  const weights = Float64Array.from(start);
  const largest = Math.max(
    ...[1e-9],
    examples.reduce((most, { gain }) => Math.max(most, Math.abs(gain)), 0),
  );
  const positive = examples.reduce((sum, { gain }) => sum + Math.max(gain, 0) / largest, 0);
  if (positive === 0) return prior;
  const balance = Math.max(examples.length - positive, 1) / positive;
  for (let step = 0; step < STEPS; step++) {
    const slope = new Float64Array(size);
    const bend = new Float64Array(size * size);
    for (let row = 0; row < size; row++) {
      // The bias follows the data alone.
      const hold = row === 0 ? 1e-6 : strength;
      slope[row] = hold * (start[row]! - weights[row]!);
      bend[row * size + row] = hold;
    }
    for (const { signals, gain } of examples) gather(signals, gain / largest, balance, weights, slope, bend);
    const change = solve(bend, slope);
    for (let row = 0; row < size; row++) weights[row]! += change[row]!;
  }
  return toWeights(weights);
}

/* A gain below zero counts against the strong model more than no gain does. */
function gather(
  signals: Signals,
  gain: number,
  balance: number,
  weights: Float64Array,
  slope: Float64Array,
  bend: Float64Array,
): void {
  const size = weights.length;
  const better = Math.max(gain, 0) * balance;
  const notBetter = 1 - gain;
  let sum = weights[0]!;
  for (let index = 0; index < signals.length; index++) sum += signals[index]! * weights[index + 1]!;
  const score = 1 / (1 + Math.exp(-sum));
  const error = better * (1 - score) - notBetter * score;
  const weight = (better + notBetter) * score * (1 - score);
  for (let row = 0; row < size; row++) {
    const one = row === 0 ? 1 : signals[row - 1]!;
    if (one === 0) continue;
    slope[row]! += error * one;
    bend[row * size]! += weight * one;
    for (let column = 1; column <= row; column++) bend[row * size + column]! += weight * one * signals[column - 1]!;
  }
}

/* Cholesky: the matrix is symmetric and, with the prior in its diagonal, positive. Only its lower half is read. */
function solve(matrix: Float64Array, right: Float64Array): Float64Array {
  const size = right.length;
  const found = Float64Array.from(right);
  for (let row = 0; row < size; row++)
    for (let column = 0; column <= row; column++) {
      let sum = matrix[row * size + column]!;
      for (let at = 0; at < column; at++) sum -= matrix[row * size + at]! * matrix[column * size + at]!;
      matrix[row * size + column] =
        row === column ? Math.sqrt(Math.max(sum, 1e-12)) : sum / matrix[column * size + column]!;
    }
  for (let row = 0; row < size; row++) {
    for (let at = 0; at < row; at++) found[row]! -= matrix[row * size + at]! * found[at]!;
    found[row]! /= matrix[row * size + row]!;
  }
  for (let row = size - 1; row >= 0; row--) {
    for (let at = row + 1; at < size; at++) found[row]! -= matrix[at * size + row]! * found[at]!;
    found[row]! /= matrix[row * size + row]!;
  }
  return found;
}

function toWeights(values: Float64Array): Weights {
  const signals = Object.fromEntries(signalNames.map((name, index) => [name, values[index + 1]!]));
  return { bias: values[0]!, signals: signals as Record<SignalName, number> };
}
