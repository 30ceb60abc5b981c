/** The only source of time, injected so that tests can move it. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch: for expiry and records. */
  now(): number;
  /** Monotonic milliseconds with a fraction: for durations, immune to a jump of the wall clock. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
