import { defineExtension } from "../../core/extension.ts";
import type { Scene } from "./scene.ts";

/** Takes endpoints out of question. */
export interface Filter {
  /** Compacts the scene's candidates in place. Leaving none means that the filter has nothing to say: all stay. */
  filter(scene: Scene): void;
}

export const defineFilter = defineExtension<undefined, Filter>();

/** Keeps the candidates that pass, in their order; all of them when none does. True when any was taken out. */
export function keepWhere(scene: Scene, passes: (scene: Scene, slot: number) => boolean): boolean {
  const { candidates, count } = scene;
  let kept = 0;
  for (let at = 0; at < count; at++) {
    const slot = candidates[at]!;
    if (passes(scene, slot)) candidates[kept++] = slot;
  }
  // When none passed, nothing was written.
  if (kept === 0 || kept === count) return false;
  scene.count = kept;
  return true;
}
