import type { OperationContext } from "../../../core/step.ts";

/** Turns a text into a direction: texts that ask for the same point the same way. */
export interface Embedder {
  readonly dimensions: number;
  /** The least cosine of two texts that one answer may serve, unless the configuration says another. */
  readonly threshold: number;
  /** A vector of unit length, or of zeros for a text that says nothing. `context`: the call it is made for, and charged to. */
  embed(text: string, context: OperationContext): Float32Array | Promise<Float32Array>;
}
