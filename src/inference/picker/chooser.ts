import { defineExtension } from "../../core/extension.ts";
import type { Scene } from "./scene.ts";

/** Chooses by the weighted sums of the scores. */
export interface Chooser {
  /** The position among the scene's candidates, of which there is at least one. */
  choose(scene: Scene, totals: Float64Array, keyHash: number): number;
}

export const defineChooser = defineExtension<undefined, Chooser>();
