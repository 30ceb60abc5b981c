/** Mulberry32: even numbers in [0, 1), the same for the same seed. */
export function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Time until the next event of a Poisson process of `perS` events a second, milliseconds. */
export function poissonGapMs(random: () => number, perS: number): number {
  return (-Math.log(1 - random()) / perS) * 1_000;
}
