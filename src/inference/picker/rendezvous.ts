import { mixHashes } from "./block-chain.ts";

/**
 * Weight of an endpoint for a key, unsigned 32 bits (highest random weight hashing, Thaler and Ravishankar 1998). The endpoint of the highest
 * weight is the same wherever it is computed, keys spread evenly, and a lost endpoint moves only its own keys.
 */
export function rendezvousWeight(keyHash: number, endpointHash: number): number {
  return mixHashes(keyHash, endpointHash) >>> 0;
}
