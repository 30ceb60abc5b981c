import { describe, expect, test } from "vitest";
import { parseLimit } from "../../src/budgets/limit.ts";
import { formatDollars, parseDollars } from "../../src/budgets/money.ts";
import { priceLists } from "../../src/budgets/prices/price-list.ts";
import { listedPrice } from "../../src/budgets/prices/prices.ts";
import { windowEnd, windowStart } from "../../src/budgets/ledger/windows.ts";

describe("a limit is read as it is written", () => {
  test.for([
    ["500k tokens/min on llama", "tokens", 500_000, "minute", "llama"],
    ["10k tokens/min on gpt-4o", "tokens", 10_000, "minute", "gpt-4o"],
    ["$200/day", "money", 200e9, "day", undefined],
    ["$0.000000001/month", "money", 1, "month", undefined],
    ["$5", "money", 5e9, "none", undefined],
    ["200 calls", "requests", 200, "none", undefined],
    ["20 concurrent calls", "concurrent", 20, "none", undefined],
    ["1.5M input tokens/week on files/search", "input tokens", 1_500_000, "week", "files/search"],
    ["1 output token/s", "output tokens", 1, "second", undefined],
    ["10k tokens/5min", "tokens", 10_000, 300_000, undefined],
    ["10k tokens/90s on llama", "tokens", 10_000, 90_000, "llama"],
    ["$5/1h30m", "money", 5e9, 5_400_000, undefined],
    ["200 calls/7 d", "requests", 200, 7 * 86_400_000, undefined],
    ["1 call/24h", "requests", 1, "day", undefined],
    ["1 call/60s", "requests", 1, "minute", undefined],
  ] as const)("%s", ([text, thing, amount, window, on]) => {
    const limit = parseLimit(text);
    expect(limit).toEqual({ text, thing, amount, window, on });
  });

  test.for([
    "",
    "tokens",
    "10 apples/min",
    "-5 tokens/min",
    "$1.0000000001",
    "5 tokens/fortnight",
    "0 calls",
    "1 call/s/s",
    "2 concurrent calls/min",
    "9000000G tokens/s",
    "5 tokens/500ms",
    "5 tokens/99999d",
    "5 tokens/5",
    "5 tokens/h5",
  ])("and %j is refused with what to write", (text) => {
    expect(parseLimit(text)).toMatch(/such as|: write/);
  });
});

test("money is whole nano-dollars both ways", () => {
  for (const text of ["$0.00", "$1.25", "$0.000000001", "$9000000.00"])
    expect(formatDollars(parseDollars(text)!)).toBe(text);
});

test("windows lie on the calendar in UTC, over leap days and the turn of the year", () => {
  const at = (text: string) => Date.parse(`${text}Z`);
  for (const [window, now, start, end] of [
    ["month", "2028-02-29T23:59:59", "2028-02-01T00:00:00", "2028-03-01T00:00:00"],
    ["month", "2026-12-31T12:00:00", "2026-12-01T00:00:00", "2027-01-01T00:00:00"],
    ["week", "2026-11-23T00:00:00", "2026-11-23T00:00:00", "2026-11-30T00:00:00"],
    ["week", "2026-11-22T23:59:59", "2026-11-16T00:00:00", "2026-11-23T00:00:00"],
    ["day", "2026-11-23T10:00:00", "2026-11-23T00:00:00", "2026-11-24T00:00:00"],
    [300_000, "2026-11-23T10:04:59", "2026-11-23T10:00:00", "2026-11-23T10:05:00"],
    [90_000, "2026-11-23T00:02:00", "2026-11-23T00:01:30", "2026-11-23T00:03:00"],
  ] as const) {
    expect(windowStart(window, at(now))).toBe(at(start));
    expect(windowEnd(window, at(start))).toBe(at(end));
  }
});

test("the price list says since when and who says so, in whole nano-dollars a token", () => {
  for (const { asOf, source, provider, models } of priceLists) {
    expect(asOf).toMatch(/^20\d\d-\d\d$/);
    expect(source).toMatch(/^https:/);
    for (const model of Object.keys(models))
      for (const price of Object.values(listedPrice(provider, model)!)) expect(price).toSatisfy(Number.isSafeInteger);
  }
  expect(listedPrice("openai", "gpt-4o-2024-11-20")).toEqual({
    perInputToken: 2_500,
    perOutputToken: 10_000,
    perCachedInputToken: 1_250,
    perCacheWriteToken: 2_500,
  });
  expect(listedPrice("openai", "gpt-4o-imagined")).toBeUndefined();
});
