import { expect, test } from "vitest";
import { codesOf, deriveTokenKey } from "../../../src/guardrails/pii/token.ts";

test("no code becomes another's by one wrong character", () => {
  const key = deriveTokenKey(Buffer.alloc(32, 7), "acme");
  const codes = new Set<string>();
  for (let number = 0; number < 30_000; number++) {
    const value = `${number}@example.com`;
    const [code = ""] = codesOf(key, { label: "EMAIL", value, normalised: value });
    codes.add(code);
  }
  /* Codes that differ in one place have all else in common: were there any, two would be alike without it. */
  const length = 10;
  for (let at = 0; at < length; at++) {
    const rest = new Set(Array.from(codes, (code) => code.slice(0, at) + code.slice(at + 1)));
    expect([at, rest.size]).toEqual([at, codes.size]);
  }
});
