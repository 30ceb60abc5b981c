/** Turns a text into a direction: texts that ask for the same point the same way. */
export interface Embedder {
  readonly dimensions: number;
  /** The least cosine of two texts that one answer may serve, unless the configuration says another. */
  readonly threshold: number;
  /** A vector of unit length, or of zeros for a text that says nothing. */
  embed(text: string): Float32Array;
}
