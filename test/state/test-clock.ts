import type { Clock } from "../../src/core/clock.ts";

/** A clock that moves when told to. */
export function createTestClock(): Clock & { pass(ms: number): void } {
  let elapsedMs = 0;
  return {
    now: () => 1_750_000_000_000 + elapsedMs,
    monotonic: () => elapsedMs,
    pass(ms) {
      elapsedMs += ms;
    },
  };
}
