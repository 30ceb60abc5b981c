import { toUsage } from "./chunks.ts";
import { countTokens, hash } from "./text.ts";

/* One slot a word would let two words cancel each other out. */
const SLOTS_PER_WORD = 8;

/**
 * Vectors of unit length made of the words of a text: texts that share words lie close, the same text is always the same vector.
 * `base64` gives little-endian 32-bit floats, as the official SDK asks for.
 */
export function embed(model: string, inputs: readonly string[], dimensions: number, base64: boolean): object {
  const promptTokens = inputs.reduce((sum, text) => sum + countTokens(text), 0);
  const { prompt_tokens, total_tokens } = toUsage(promptTokens, 0);
  return {
    object: "list",
    data: inputs.map((text, index) => {
      const vector = toVector(text, dimensions);
      return {
        object: "embedding",
        index,
        embedding: base64 ? Buffer.from(vector.buffer).toString("base64") : [...vector],
      };
    }),
    model,
    usage: { prompt_tokens, total_tokens },
  };
}

function toVector(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [text]) {
    for (let slot = 0; slot < SLOTS_PER_WORD; slot++) {
      const place = hash(`${slot} ${word}`);
      const index = (place >>> 8) % dimensions;
      vector[index] = (vector[index] ?? 0) + (place & 1 ? -1 : 1);
    }
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}
