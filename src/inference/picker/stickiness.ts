import { z } from "zod";
import type { Scene } from "./scene.ts";

/** The option that says what staying where something is cached may cost. The field's default. */
export const ttftPenaltyMs = z
  .number()
  .min(0)
  .default(18_000)
  .meta({
    description: "Milliseconds that the wait for a first token may be longer than elsewhere; 0: any.",
    examples: [2_000],
  });

/** Prompt tokens a server prefills in a second when it does nothing else; the field's default was measured on one H100 server. */
export const peakPrefillTokensPerS = z
  .number()
  .positive()
  .default(15_928)
  .meta({ description: "Prompt tokens that one endpoint prefills in a second at best.", examples: [15_928] });

/**
 * Whether it pays to stay with the endpoints that pass: the least loaded of them may make a request wait at most `maxPenaltyMs` longer
 * than the least loaded of the others (0: however long).
 */
export function stickiness(maxPenaltyMs: number, tokensPerS: number) {
  return (scene: Scene, passes: (scene: Scene, slot: number) => boolean): boolean => {
    let bestPassing = Infinity;
    let bestOther = Infinity;
    for (let at = 0; at < scene.count; at++) {
      const slot = scene.candidates[at]!;
      const tokens = scene.endpoints.backlogTokens(slot);
      if (passes(scene, slot)) bestPassing = Math.min(bestPassing, tokens);
      else bestOther = Math.min(bestOther, tokens);
    }
    if (bestPassing === Infinity || bestOther === Infinity || maxPenaltyMs === 0) return true;
    return ((bestPassing - bestOther) / tokensPerS) * 1_000 <= maxPenaltyMs;
  };
}
