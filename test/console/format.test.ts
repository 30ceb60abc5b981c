import { expect, test } from "vitest";
import {
  ago,
  compact,
  duration,
  eachText,
  momentText,
  money,
  onDayAt,
  percent,
  plural,
} from "../../src/console/app/format.ts";

test.for([
  [undefined, "–"],
  [0, "$0"],
  [3_200_000, "$0.0032"],
  [104_729, "$0.0001"],
  [12_400_000_000, "$12.40"],
  [99_000_000, "$0.099"],
  [1_204_000_000_000, "$1,204"],
  [10, "<$0.000001"],
  [-3_200_000, "−$0.0032"],
] as const)("%s nano-dollars read %s: the digits that tell them from nothing", ([nanos, text]) => {
  expect(money(nanos)).toBe(text);
});

test.for([
  [undefined, "–"],
  [0.42, "0.4 ms"],
  [76.4, "76 ms"],
  [1_234, "1.2 s"],
  [125_000, "2 min 5 s"],
  [7_200_000, "2 h"],
  [187_200_000, "2 d 4 h"],
] as const)("%s milliseconds read %s", ([ms, text]) => {
  expect(duration(ms)).toBe(text);
});

test.for([
  [999_000, "now"],
  [970_000, "30 s ago"],
  [700_000, "5 min ago"],
  [1_090_000, "in 1 min"],
] as const)("%s, seen at 1,000,000, reads %s", ([ms, text]) => {
  expect(ago(ms, 1_000_000)).toBe(text);
});

test("a share that is not nothing never reads 0%", () => {
  expect([0, 0.0001, 0.004, 0.5, 1.024].map(percent)).toEqual(["0%", "<0.1%", "0.4%", "50%", "102%"]);
});

test("counts are short where they are long, and one is one", () => {
  expect([9, 1_234, 12_345, 3_200_000].map(compact)).toEqual(["9", "1,234", "12.3K", "3.2M"]);
  expect([plural(1, "call"), plural(0, "call"), plural(1_200, "call")]).toEqual(["1 call", "0 calls", "1,200 calls"]);
});

test("a moment in a sentence has its day, by the reader's calendar", () => {
  const at = (day: number, hour: number) => new Date(2026, 9, day, hour, 5).getTime();
  const now = at(24, 23);
  expect(onDayAt(at(24, 1), now)).toBe("today at 01:05");
  expect(onDayAt(at(25, 0), now)).toBe("tomorrow (Oct 25) at 00:05");
  expect(onDayAt(at(23, 23), now)).toBe("yesterday (Oct 23) at 23:05");
  expect(onDayAt(at(31, 8), now)).toBe("on Oct 31 at 08:05");
  expect([at(24, 1), at(23, 23)].map((ms) => momentText(ms, now))).toEqual(["01:05:00", "Oct 23, 23:05"]);
});

test("a stretch of time is named as people do", () => {
  expect([15_000, 60_000, 900_000].map(eachText)).toEqual(["each 15 s", "each minute", "each 15 min"]);
});
