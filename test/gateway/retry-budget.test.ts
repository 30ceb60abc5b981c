import fc from "fast-check";
import { expect, test } from "vitest";
import { createRetryBudget } from "../../src/gateway/retry-budget.ts";
import { createTestClock } from "../state/test-clock.ts";

const WINDOW_MS = 10_000;
const SLOT_MS = 1_000;
const LEAST = 10;

function setUp() {
  const clock = createTestClock();
  const budget = createRetryBudget(clock);
  const take = (model: string): boolean => {
    const tell = budget.take(model);
    tell?.(true);
    return tell !== undefined;
  };
  return { clock, budget, take };
}

test("ten more attempts fit into ten seconds of few calls, and a fifth of many", () => {
  const { clock, budget, take } = setUp();
  for (let count = 0; count < LEAST; count++) expect(take("quiet")).toBe(true);
  expect(take("quiet")).toBe(false);
  for (let count = 0; count < 1_000; count++) budget.called("busy");
  let taken = 0;
  while (take("busy")) taken++;
  expect(taken).toBe(200);
  clock.pass(WINDOW_MS + SLOT_MS);
  expect(take("quiet")).toBe(true);
});

test("an attempt that is answered is given back, and counts until then", () => {
  const { budget, take } = setUp();
  const underWay = Array.from({ length: LEAST }, () => budget.take("model"));
  expect(underWay).not.toContain(undefined);
  expect(take("model")).toBe(false);
  for (const tell of underWay) tell?.(false);
  /* What it is told later counts no more. */
  for (const tell of underWay) {
    tell?.(true);
    tell?.(false);
  }
  for (let count = 0; count < LEAST; count++) expect(take("model")).toBe(true);
  expect(take("model")).toBe(false);
});

test("an attempt counts for ten seconds, however long its answer takes, and is given back at most once", () => {
  const { clock, budget, take } = setUp();
  const underWay = Array.from({ length: LEAST }, () => budget.take("model"));
  expect(take("model")).toBe(false);
  clock.pass(WINDOW_MS + SLOT_MS);
  for (let count = 0; count < LEAST; count++) expect(take("model")).toBe(true);
  for (const tell of underWay) tell?.(false);
  expect(take("model")).toBe(false);
});

test("what one model has used up is there for another", () => {
  const { take } = setUp();
  while (take("a"));
  expect(take("b")).toBe(true);
});

test("a full storm is never made more than a fifth larger, at whatever pace it comes", () => {
  const step = fc.record({ calls: fc.integer({ min: 1, max: 150 }), passMs: fc.integer({ min: 0, max: 4_000 }) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) => {
      const { clock, budget, take } = setUp();
      const log: { readonly slot: number; readonly retried: boolean }[] = [];
      for (const { calls, passMs } of steps) {
        clock.pass(passMs);
        const slot = Math.floor(clock.monotonic() / SLOT_MS);
        for (let count = 0; count < calls; count++) {
          budget.called("model");
          const retried = take("model");
          log.push({ slot, retried });
          if (!retried) continue;
          const window = log.filter((each) => each.slot > slot - WINDOW_MS / SLOT_MS);
          const retries = window.filter((each) => each.retried).length;
          expect(retries).toBeLessThanOrEqual(Math.max(LEAST, 0.2 * window.length));
        }
      }
      const windows = Math.ceil(clock.monotonic() / WINDOW_MS) + 1;
      const retries = log.filter(({ retried }) => retried).length;
      expect(retries).toBeLessThanOrEqual(0.2 * log.length + LEAST * windows);
    }),
    { numRuns: 50 },
  );
});
