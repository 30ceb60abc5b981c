import { expect, test } from "vitest";
import { findCulprits, findCulpritsIn } from "../../src/k8s/culprits.ts";

const upTo = (length: number) => Array.from({ length }, (_, index) => index);

test("a few among many are found by halving, and none of the others with them", () => {
  let tries = 0;
  const bad = [3, 500, 501, 999];
  const found = findCulprits(upTo(1_000), (taken) => {
    tries += 1;
    return !taken.some((each) => bad.includes(each));
  });
  expect(found).toEqual(bad);
  expect(tries).toBeLessThan(100);
});

test("of what is too much, as much as there is room for stays, the first before the last", () => {
  expect(findCulprits(upTo(100), (taken) => taken.length <= 70)).toEqual(upTo(100).slice(70));
});

test("a group with nothing but culprits costs few tries, and the other groups nothing", () => {
  let tries = 0;
  const groups = [upTo(50), upTo(1_000).map((each) => each + 1_000), upTo(50).map((each) => each + 100)];
  const found = findCulpritsIn(groups, (taken) => {
    tries += 1;
    return !taken.some((each) => each >= 1_000);
  });
  expect(found).toEqual(groups[1]);
  expect(tries).toBeLessThan(100);
});
