import { expect, test } from "vitest";
import { longestMatch } from "../../src/guardrails/longest-match.ts";

test.each([
  ["abc", 3],
  ["a|bcd|ef", 3],
  ["(?:ab){2,3}c?", 7],
  ["[a-z\\]]{4}", 4],
  ["\\bEMP-\\d{6}\\b", 10],
  ["\\u0041\\x42\\cA\\.", 4],
  ["(?<year>\\d{4})-(\\d\\d)", 7],
  ["^a$", 1],
  ["a{3}?", 3],
  ["a{2,}", Infinity],
  ["(ab)*", Infinity],
  [".+?", Infinity],
  ["(?:^|$)*", 0],
])("the longest match of %s has %s characters", (source, longest) => {
  expect(longestMatch(source)).toBe(longest);
});

test.each(["(a)\\1", "a(?=b)", "(?<!a)b", "(?<x>a)\\k<x>"])("what looks beyond its match is refused: %s", (source) => {
  expect(() => longestMatch(source)).toThrow(/looks ahead or behind|refers back/);
});
