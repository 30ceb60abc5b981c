/** 32-bit words of one sketch. */
export const SKETCH_WORDS = 16;
/** Those of them that are compared first. */
export const FIRST_WORDS = 4;
const BITS = SKETCH_WORDS * 32;
/* Standard deviations by which a near vector's sketch may be off: of those just at the threshold 1 in 700 lies beyond. */
const SLACK = 3;
const SLACK_BITS = 2;

/* xorshift32 with a fixed seed: what is asked of a sketch is spread, not secrecy. */
function createNoise(): () => number {
  let state = 0x9e3779b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 1) / 0x1_0000_0001;
  };
}

/** Which numbers of a vector are not zero: few of one that was made of words, and of a model's all. */
export function partsOf(vector: Float32Array): Int32Array {
  const parts: number[] = [];
  for (let at = 0; at < vector.length; at++) if (vector[at] !== 0) parts.push(at);
  return Int32Array.from(parts);
}

/** Sketches vectors of `dimensions`: on which side of 512 random planes each lies (Charikar 2002). The share of bits in which two differ is their angle. */
export function createSketcher(dimensions: number): (vector: Float32Array) => Int32Array {
  const noise = createNoise();
  /* Normally distributed (Box and Muller): planes of signs alone are few where few dimensions are used. */
  const planes = Float32Array.from(
    { length: BITS * dimensions },
    () => Math.sqrt(-2 * Math.log(noise())) * Math.cos(2 * Math.PI * noise()),
  );
  return (vector) => {
    const sketch = new Int32Array(SKETCH_WORDS);
    const parts = partsOf(vector);
    for (let bit = 0; bit < BITS; bit++) {
      let sum = 0;
      const from = bit * dimensions;
      for (let at = 0; at < parts.length; at++) sum += planes[from + parts[at]!]! * vector[parts[at]!]!;
      if (sum > 0) sketch[bit >>> 5] = (sketch[bit >>> 5] ?? 0) | (1 << (bit & 31));
    }
    return sketch;
  };
}

/** The most bits in which so many words of the sketches of two vectors differ whose cosine is at least `least`. */
export function mostDifferentBits(least: number, words: number): number {
  const bits = words * 32;
  const share = Math.acos(Math.min(1, Math.max(-1, least))) / Math.PI;
  return bits * share + SLACK * Math.sqrt(bits * share * (1 - share)) + SLACK_BITS;
}

/** How many bits of a word are set. */
export function bitsOf(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
