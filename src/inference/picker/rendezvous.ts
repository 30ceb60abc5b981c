import { mixHashes } from "./block-chain.ts";
import type { Scene } from "./scene.ts";

/**
 * Weight of an endpoint for a key, unsigned 32 bits (highest random weight hashing, Thaler and Ravishankar 1998). The endpoint of the highest
 * weight is the same wherever it is computed, keys spread evenly, and a lost endpoint moves only its own keys.
 */
export function rendezvousWeight(keyHash: number, endpointHash: number): number {
  return mixHashes(keyHash, endpointHash) >>> 0;
}

/** The position among the scene's candidates that has the highest weight for a key. */
export function rendezvous({ endpoints, candidates, count }: Scene, keyHash: number): number {
  let best = 0;
  let bestWeight = -1;
  for (let at = 0; at < count; at++) {
    const weight = rendezvousWeight(keyHash, endpoints.hashes[candidates[at]!]!);
    if (weight <= bestWeight) continue;
    best = at;
    bestWeight = weight;
  }
  return best;
}
