import { expect, test } from "vitest";
import { createScrapePace } from "../../../src/inference/pool/scrape-pace.ts";

test("a thousand pools that nobody calls are scraped 200 times a second together, and one that is called as often as it were alone", () => {
  const pace = createScrapePace();
  const shares = Array.from({ length: 1_000 }, () => pace.open());
  for (const share of shares) share.resize(2);
  const [first, second] = shares;
  expect(first!.everyMs(0)).toBe(10_000);
  expect(first!.called(0)).toBe(true);
  expect(first!.called(1)).toBe(false);
  expect([first!.everyMs(1), second!.everyMs(1)]).toEqual([10, 9_990]);
  expect(second!.called(1)).toBe(true);
  expect([first!.everyMs(1), second!.everyMs(1)]).toEqual([20, 20]);
});

test("however many pools are called, what is known of them stays new enough to pick by", () => {
  const pace = createScrapePace();
  const shares = Array.from({ length: 1_000 }, () => pace.open());
  for (const share of shares) {
    share.resize(10);
    share.called(0);
  }
  expect(shares[0]!.everyMs(0) * 1.2).toBeLessThan(2_000);
});

test("a pool that is called no more, loses endpoints or closes leaves its share to others", () => {
  const pace = createScrapePace();
  const [one, other] = [pace.open(), pace.open()];
  one.resize(100);
  other.resize(100);
  one.called(0);
  other.called(0);
  expect(one.everyMs(60_000)).toBe(1_000);
  other.called(60_000);
  expect(one.everyMs(60_001)).toBe(500);
  expect(other.everyMs(60_001)).toBe(500);
  one.called(60_002);
  one.resize(20);
  expect(other.everyMs(60_002)).toBe(600);
  one.resize(0);
  expect(other.everyMs(60_002)).toBe(500);
});
