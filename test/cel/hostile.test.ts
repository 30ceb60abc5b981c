import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { WORK_LIMIT } from "../../src/cel/evaluator.ts";
import { patternFault } from "../../src/cel/pattern.ts";
import { compile, contextOf, evaluate, loadError } from "./scene.ts";

describe("a pattern", () => {
  test.each([
    "^read_",
    "^[a-z]+@[a-z]+\\.com$",
    "^([a-zA-Z0-9_.-]+)/([a-z]+)$",
    "^\\d{4}-\\d{2}$",
    "secret",
    "^(?:\\.\\./)*etc",
    "\\p{Lu}",
  ])("that is proven linear may be used: %s", (pattern) => {
    expect(patternFault(pattern)).toBeUndefined();
  });

  test.each([
    ["(a+)+$", "exponential"],
    ["^(\\w+\\s?)*$", "exponential"],
    ["(\\d+)*x", "exponential"],
    ["secret.*key", "polynomial"],
    ["a*a*b", "polynomial"],
    ["(?<=x)a+", "not proven linear"],
    ["(a|b", "does not compile"],
    ["(?i)x", "does not compile"],
    ["x".repeat(501), "longer than 500"],
  ])("that may be slow or is none is refused: %s", (pattern, why) => {
    expect(patternFault(pattern)).toContain(why);
  });

  test("is vetted where an expression uses it, and must be written out", () => {
    expect(loadError('mcp.tool.name.matches("(a+)+$")')).toMatch(
      /^1:23 the pattern can be slow on a hostile text \(exponential\)/,
    );
    expect(loadError('mcp.tool.arguments.list.exists(x, x.matches("(a+)+$"))')).toMatch(
      /^1:45 the pattern can be slow/,
    );
    expect(loadError("mcp.tool.name.matches(principal.subject)")).toMatch(
      /^1:33 the pattern of matches\(\) must be written out/,
    );
    expect(loadError('mcp.tool.name.matches("^(a" + "+)+$")')).toMatch(/must be written out/);
    expect(loadError('cel.bind(p, "(a+)+$", mcp.tool.name.matches(p))')).toMatch(/must be written out/);
  });
});

describe("work", () => {
  const quadratic = compile("mcp.tool.arguments.list.all(x, x in mcp.tool.arguments.list)", "bool");
  const numbers = (length: number) => ({ list: Array.from({ length }, (_, index) => index) });

  test("that a loop may do is enough for honest lists", () => {
    expect(quadratic.evaluate(contextOf(numbers(300)))).toBe(true);
  });

  test.each([1_000, 10_000, 200_000])(
    "that a loop over a caller's own list squares is cut short: %i items",
    (length) => {
      expect(() => quadratic.evaluate(contextOf(numbers(length)))).toThrow("too much work");
    },
  );

  test("of errors counts too, and nothing can absorb the end of it", () => {
    const failing = compile("mcp.tool.arguments.list.exists(x, x.none == 1) || true", "bool");
    expect(() => failing.evaluate(contextOf({ list: Array.from({ length: 20_000 }, () => ({})) }))).toThrow(
      "too much work",
    );
  });

  test("is counted anew for every evaluation", () => {
    const list = numbers(Math.floor(WORK_LIMIT / 20));
    const linear = compile("mcp.tool.arguments.list.all(x, x >= 0)", "bool");
    for (let round = 0; round < 5; round++) expect(linear.evaluate(contextOf(list))).toBe(true);
  });

  test("over many keys and long texts in a loop is cut short", () => {
    const keys = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`k${index}`, index]));
    const list = Array.from({ length: 1_000 }, (_, index) => index);
    expect(() => evaluate("mcp.tool.arguments.list.all(x, size(mcp.tool.arguments.keys) > x)", { list, keys })).toThrow(
      "too much work",
    );
    expect(() =>
      evaluate('mcp.tool.arguments.list.all(x, !mcp.tool.arguments.text.contains("b"))', {
        list,
        text: "a".repeat(2_000_000),
      }),
    ).toThrow("too much work");
  });
});

describe("memory", () => {
  test("does not grow with the shapes a caller sends", () => {
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    const expression = compile(
      'mcp.tool.arguments.value == "x" || mcp.tool.arguments.value in [1, 2] || size(mcp.tool.arguments.value) == 3',
      "bool",
    );
    const shapes = (from: number, count: number) => {
      for (let seed = from; seed < from + count; seed++) {
        let value: unknown = "leaf";
        for (let bit = 0; bit < 15; bit++) value = (seed >> bit) & 1 ? [value] : { key: value };
        try {
          expression.evaluate(contextOf({ value }));
        } catch {
          /* Some shapes have no size; what counts here is what they leave behind. */
        }
      }
      gc();
      return process.memoryUsage().heapUsed;
    };
    const before = shapes(0, 2_000);
    /* The library alone kept 3.2 kB for each of these. */
    expect(shapes(2_000, 10_000) - before).toBeLessThan(5_000_000);
  });
});

/** The value, or the error it ended in. */
function outcomeOf(source: string, args: unknown): unknown {
  try {
    return evaluate(source, args);
  } catch (error) {
    return error;
  }
}

describe("prototypes", () => {
  test.each([
    '{"__proto__": {"role": "admin"}}',
    '{"constructor": {"prototype": {"role": "admin"}}}',
    '{"a": {"__proto__": {"role": "admin"}}}',
  ])("stay as they are whatever a caller sends: %s", (json) => {
    for (const source of [
      'has(mcp.tool.arguments.role) && mcp.tool.arguments.role == "admin"',
      '{"k": mcp.tool.arguments.a}.k == "x"',
      "mcp.tool.arguments == mcp.tool.arguments && false",
    ]) {
      expect(outcomeOf(source, JSON.parse(json))).not.toBe(true);
    }
    expect(({} as Record<string, unknown>)["role"]).toBeUndefined();
  });

  test("random texts never do more than fail to load", () => {
    const words = [
      "principal",
      ".",
      "__proto__",
      "constructor",
      "(",
      ")",
      "[",
      "]",
      '"',
      "mcp",
      "tool",
      "in",
      "&&",
      "||",
      "has",
      "{",
      "}",
      ":",
      "?",
      "1",
      "exists",
      ",",
      "x",
      "!",
      "\u0000",
      "é",
      "matches",
    ];
    let seed = 7;
    const next = () => (seed = (seed * 48_271) % 2_147_483_647);
    for (let round = 0; round < 5_000; round++) {
      const source = Array.from({ length: (next() % 12) + 1 }, () => words[next() % words.length]).join(
        next() % 2 ? " " : "",
      );
      expect(typeof loadError(source)).toBe("string");
    }
  });
});
