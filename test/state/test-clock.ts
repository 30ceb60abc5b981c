import type { Clock } from "../../src/core/clock.ts";

export type TestClock = Clock & { pass(ms: number): void };

/** A clock that moves when told to. */
export function createTestClock(): TestClock {
  let elapsedMs = 0;
  return {
    now: () => 1_750_000_000_000 + elapsedMs,
    monotonic: () => elapsedMs,
    pass(ms) {
      elapsedMs += ms;
    },
  };
}
