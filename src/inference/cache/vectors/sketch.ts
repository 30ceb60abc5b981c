/** 32-bit words of one sketch. */
export const SKETCH_WORDS = 8;
const BITS = SKETCH_WORDS * 32;
/* Standard deviations by which a near vector's sketch may be off: 3 in 100,000 lie beyond. */
const SLACK = 4;
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

/** Sketches vectors of `dimensions`: on which side of 256 random planes each lies (Charikar 2002). The share of bits in which two differ is their angle. */
export function createSketcher(dimensions: number): (vector: Float32Array) => Int32Array {
  const noise = createNoise();
  /* Normally distributed (Box and Muller): planes of signs alone are few where few dimensions are used. */
  const planes = Float32Array.from(
    { length: BITS * dimensions },
    () => Math.sqrt(-2 * Math.log(noise())) * Math.cos(2 * Math.PI * noise()),
  );
  return (vector) => {
    const sketch = new Int32Array(SKETCH_WORDS);
    for (let bit = 0; bit < BITS; bit++) {
      let sum = 0;
      const from = bit * dimensions;
      for (let at = 0; at < dimensions; at++) sum += (planes[from + at] ?? 0) * (vector[at] ?? 0);
      if (sum > 0) sketch[bit >>> 5] = (sketch[bit >>> 5] ?? 0) | (1 << (bit & 31));
    }
    return sketch;
  };
}

/** The most bits in which the sketches of two vectors differ whose cosine is at least `least`. */
export function mostDifferentBits(least: number): number {
  const share = Math.acos(Math.min(1, Math.max(-1, least))) / Math.PI;
  return BITS * share + SLACK * Math.sqrt(BITS * share * (1 - share)) + SLACK_BITS;
}

/** How many bits of a word are set. */
export function bitsOf(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
