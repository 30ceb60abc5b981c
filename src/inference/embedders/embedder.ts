import type { AbortSignalLike } from "../../core/abort.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { OwnCall } from "../own-call.ts";
import type { SameGuard } from "../cache/guards/guard.ts";

/** What an embedder may use of the gateway. */
export interface EmbedAccess {
  readonly ownCall: OwnCall;
  /** What the name of its model stands for, as configured now; empty for one that has none. */
  readonly identity: string;
}

/** For whom a text is embedded: who pays, where that costs something. */
export interface EmbedCall extends EmbedAccess {
  readonly exchange: Exchange;
  readonly signal: AbortSignalLike;
}

/** Turns a text into a direction: texts that ask for the same point the same way. */
export interface Embedder {
  /** Names the space its vectors lie in: those of another space mean nothing beside them. */
  readonly space: string;
  /** The least cosine of two texts that one answer may serve. */
  readonly threshold: number;
  /** What is asked of two texts that it finds near. */
  readonly guards: readonly SameGuard[];
  /** A vector of unit length, or of zeros for a text that says nothing. Rejects with a GatewayError. */
  embed(text: string, call: EmbedCall): Float32Array | Promise<Float32Array>;
}

/** Scaled to unit length, in place. Zeros stay zeros. */
export function toUnit(vector: Float32Array): Float32Array {
  let square = 0;
  for (const value of vector) square += value * value;
  if (square === 0) return vector;
  const scale = 1 / Math.sqrt(square);
  for (let at = 0; at < vector.length; at++) vector[at] = (vector[at] ?? 0) * scale;
  return vector;
}
