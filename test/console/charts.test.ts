import { expect, test } from "vitest";
import { firstShown, roundUp, stack } from "../../src/console/app/charts/scale.ts";

test("an axis ends at a round number that its half divides well", () => {
  expect([0, 0.3, 1, 3, 7, 11, 25, 121, 4_300].map(roundUp)).toEqual([1, 0.4, 1, 4, 8, 12, 30, 160, 5_000]);
});

test("layers lie on each other", () => {
  const [low, high] = stack([
    [1, 2],
    [3, 4],
  ]);
  expect([low?.upper, high?.lower, high?.upper]).toEqual([
    [1, 2],
    [1, 2],
    [4, 6],
  ]);
});

const after = (quiet: number, busy: number) => [
  ...Array.from({ length: quiet }, () => 0),
  ...Array.from({ length: busy }, () => 3),
];

test("a chart begins shortly before the first value, and is never so short that it is a block", () => {
  expect(firstShown(after(40, 20))).toBe(39);
  expect(firstShown(after(59, 1))).toBe(48);
  expect(firstShown(after(0, 60))).toBe(0);
  expect(firstShown(after(60, 0))).toBe(0);
  expect(firstShown(after(3, 1))).toBe(0);
});
