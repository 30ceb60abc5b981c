import { expect, test } from "vitest";
import { rowOfKey, scrollTo, windowOf } from "../../src/console/app/table-window.ts";

const size = { rows: 10_000, rowHeight: 40, viewHeight: 600 };

test("of ten thousand rows only those in view are drawn, and a few beyond", () => {
  const { first, end, whole } = windowOf({ ...size, scrollTop: 200_000 });
  expect([first, end, whole]).toEqual([4_990, 5_025, 400_000]);
});

test("the first and the last row are drawn at the ends, and nothing beyond them", () => {
  expect(windowOf({ ...size, scrollTop: 0 })).toMatchObject({ first: 0, end: 25 });
  expect(windowOf({ ...size, scrollTop: 9_999_999 })).toMatchObject({ first: 9_975, end: 10_000 });
  expect(windowOf({ ...size, rows: 3, scrollTop: 0 })).toEqual({ first: 0, end: 3, whole: 120 });
  expect(windowOf({ ...size, rows: 0, scrollTop: 50 })).toEqual({ first: 0, end: 0, whole: 0 });
});

test("a row out of view is scrolled to its nearer edge, and one in view is left where it is", () => {
  expect(scrollTo(3, { ...size, scrollTop: 400 })).toBe(120);
  expect(scrollTo(30, { ...size, scrollTop: 0 })).toBe(640);
  expect(scrollTo(5, { ...size, scrollTop: 0 })).toBeUndefined();
});

test("keys move through the rows and stop at their ends", () => {
  const from = (key: string, row: number) => rowOfKey(key, row, 100, 14);
  expect([from("ArrowDown", 0), from("j", 99), from("ArrowUp", 0), from("k", 5)]).toEqual([1, 99, 0, 4]);
  expect([from("PageDown", 90), from("PageUp", 20), from("Home", 50), from("End", 0)]).toEqual([99, 6, 0, 99]);
  expect(from("x", 0)).toBeUndefined();
});
