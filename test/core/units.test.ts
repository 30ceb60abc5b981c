import { describe, expect, test } from "vitest";
import { durationMs, rate, sizeBytes } from "../../src/core/units.ts";

describe("human units", () => {
  test.for([
    ["250ms", 250],
    ["30s", 30_000],
    ["1.5m", 90_000],
    ["7d", 604_800_000],
  ] as const)("%s is %d milliseconds", ([text, ms]) => expect(durationMs().parse(text)).toBe(ms));

  test.for([
    ["64kB", 64_000],
    ["4MiB", 4_194_304],
    ["0.5 GiB", 536_870_912],
  ] as const)("%s is %d bytes", ([text, bytes]) => expect(sizeBytes().parse(text)).toBe(bytes));

  test.for([
    ["500k tokens/min", { amount: 500_000, of: "token", perMs: 60_000 }],
    ["600 requests/min", { amount: 600, of: "request", perMs: 60_000 }],
    ["1 request/s", { amount: 1, of: "request", perMs: 1_000 }],
    ["1.5M tokens/day", { amount: 1_500_000, of: "token", perMs: 86_400_000 }],
  ] as const)("%s is a rate", ([text, expected]) => expect(rate("token", "request").parse(text)).toEqual(expected));

  test.for([
    "500",
    "k tokens/min",
    "5 dollars/min",
    "5 tokens/fortnight",
    "0 tokens/s",
    "5 tokens per min",
    "5 tokens/constructor",
  ])("%s is no rate, and the message shows one", (text) => {
    const result = rate("token", "request").safeParse(text);
    expect(result.success).toBe(false);
    expect(result.error?.issues[0]?.message).toContain("500k tokens/min");
  });

  test.for(["30", "s", "-1s", "30 fortnights", "30toString"])("%s is no duration", (text) => {
    expect(durationMs().safeParse(text).success).toBe(false);
  });
});
