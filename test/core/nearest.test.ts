import { expect, test } from "vitest";
import { nearest } from "../../src/core/nearest.ts";

test.for([
  ["ulr", ["url", "command", "era"], "url"],
  ["publicURL", ["publicUrl", "policies"], "publicUrl"],
  ["trustedProxys", ["trustedProxies", "tls"], "trustedProxies"],
  ["chekc", ["check", "schema"], "check"],
  ["banana", ["url", "command"], undefined],
  ["x", ["url"], undefined],
  ["", ["url"], undefined],
  ["y".repeat(1000), ["y".repeat(999)], undefined],
] as const)("nearest to %s among %s is %s", ([word, candidates, expected]) => {
  expect(nearest(word, candidates)).toBe(expected);
});
