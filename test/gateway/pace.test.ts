import { expect, test } from "vitest";
import { createPace } from "../../src/gateway/pace.ts";

const rate = { amount: 3, of: "request", perMs: 60_000 };

function setup() {
  const clock = { ms: 0, now: () => clock.ms, monotonic: () => clock.ms };
  return { clock, pace: createPace(clock) };
}

test("a whole period's amount may come at once, then one at a time", () => {
  const { clock, pace } = setup();
  expect([1, 2, 3].map(() => pace.take("a", rate))).toEqual([0, 0, 0]);
  expect(pace.take("a", rate)).toBe(20_000);
  clock.ms = 20_000;
  expect(pace.take("a", rate)).toBe(0);
  expect(pace.take("a", rate)).toBe(20_000);
});

test("what was refused was not counted", () => {
  const { clock, pace } = setup();
  for (let count = 0; count < 100; count++) pace.take("a", rate);
  clock.ms = 60_000;
  expect([1, 2, 3].map(() => pace.take("a", rate))).toEqual([0, 0, 0]);
});

test("one principal's haste is not another's", () => {
  const { pace } = setup();
  for (let count = 0; count < 4; count++) pace.take("a", rate);
  expect(pace.take("b", rate)).toBe(0);
});

test("a hundred thousand principals do not fill the memory, and a busy one is not forgotten for them", () => {
  const { pace } = setup();
  const often = { ...rate, amount: 1_000 };
  for (let count = 0; count < 100_000; count++) {
    if (count % 100 === 0) pace.take("busy", often);
    pace.take(`one-${count}`, often);
  }
  expect(pace.size).toBe(10_000);
  expect(pace.take("busy", often)).toBeGreaterThan(0);
});
