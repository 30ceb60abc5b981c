import { defineExtension } from "../../core/extension.ts";
import type { Scene } from "./scene.ts";

/** Rates endpoints. */
export interface Scorer {
  /** Writes a score from 0 to 1 for each of the scene's candidates, in their order. Higher is better. */
  score(scene: Scene, scores: Float64Array): void;
}

export const defineScorer = defineExtension<undefined, Scorer>();

/** (most − value) / (most − least) for each candidate; 1 for all when they are equal. */
export function scoreLeast(scene: Scene, scores: Float64Array, value: (scene: Scene, slot: number) => number): void {
  let least = Infinity;
  let most = -Infinity;
  for (let at = 0; at < scene.count; at++) {
    const found = value(scene, scene.candidates[at]!);
    scores[at] = found;
    if (found < least) least = found;
    if (found > most) most = found;
  }
  const range = most - least;
  for (let at = 0; at < scene.count; at++) scores[at] = range === 0 ? 1 : (most - scores[at]!) / range;
}
