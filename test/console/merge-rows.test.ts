import { expect, test } from "vitest";
import type { ChainRow } from "../../src/console/api/chains.ts";
import { mergeRows } from "../../src/console/app/merge-rows.ts";

const row = (chainId: string, calls = 1): ChainRow => ({
  chainId,
  principal: null,
  tenant: "",
  beganAtMs: 0,
  durationMs: 0,
  operations: calls,
  calls,
  costNanos: 0,
  costIsPartial: false,
  inputTokens: 0,
  outputTokens: 0,
  outcome: "ok",
  denied: 0,
  limited: 0,
  failed: 0,
  targets: [],
  rules: [],
  budgets: [],
  errors: [],
  depth: 0,
});

test("new chains come in front, a known one is brought up to date where it stands, and none comes twice", () => {
  const merged = mergeRows([row("c"), row("b"), row("a")], [row("d"), row("c"), row("b", 7)]);
  expect(merged.map(({ chainId, calls }) => [chainId, calls])).toEqual([
    ["d", 1],
    ["c", 1],
    ["b", 7],
    ["a", 1],
  ]);
});
