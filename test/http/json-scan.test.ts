import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import { parseJsonBody } from "../../src/http/json-scan.ts";

const limits = { depth: 64, tokens: 100_000 };
const bytes = (text: string | Buffer) => (typeof text === "string" ? Buffer.from(text) : text);
function kindOf(text: string | Buffer): string {
  try {
    parseJsonBody(bytes(text), limits);
    return "accepted";
  } catch (error) {
    return error instanceof GatewayError ? error.kind : `not ours: ${String(error)}`;
  }
}

const accepted: readonly string[] = [
  "{}", "[]", '""', "0", "-0", "1.0", "1e5", "1E+5", "-1.5e-3", "true", "false", "null", " [ ] ", "\t{\n}\r", '{"a":{}}', '{"":0}', '{"a":1,"b":1}',
  '{"a":{"a":1}}', '[{"a":1},{"a":2}]', '{"a":[{"a":1}],"b":{"a":1}}', '"\\u0000"', '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\u2028"', '"é€😀"', '"\\ud83d\\ude00"',
  '"\\ud800"', '"\u007f"', '{"constructor":1}', '{"a":"}"}', '{"a":"{\\"a\\":1}"}', "9007199254740993", "1e400", '{"proto__":1,"__proto":1}',
  '["__proto__"]', '{"a":"__proto__"}', '{"a\\u0062":1,"a":2}', `"${"x".repeat(1_000)}"`, `"${"x".repeat(47)}\\\\"`, `"${"x".repeat(48)}\\""`, `"${"x".repeat(100)}\\\\\\""`,
]; // oxfmt-ignore

const refused: readonly (readonly [string, string | Buffer, string])[] = [
  ["nothing", "", "parse_error"],
  ["white space", "  ", "parse_error"],
  ["a byte order mark", "\uFEFF{}", "parse_error"],
  ["UTF-16", Buffer.from("{}", "utf16le"), "parse_error"],
  ["UTF-16 with a mark", Buffer.from([0xff, 0xfe, 0x7b, 0x00]), "parse_error"],
  ["a lone continuation byte", Buffer.from([0x22, 0x80, 0x22]), "parse_error"],
  ["an overlong encoding", Buffer.from([0x22, 0xc0, 0xaf, 0x22]), "parse_error"],
  ["an encoded surrogate", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), "parse_error"],
  ["a cut code point", Buffer.from([0x22, 0xe2, 0x82, 0x22]), "parse_error"],
  ["trailing text", "{} x", "parse_error"],
  ["two documents", "{}{}", "parse_error"],
  ["a trailing comma", "[1,]", "parse_error"],
  ["a trailing comma in an object", '{"a":1,}', "parse_error"],
  ["a leading comma", "[,1]", "parse_error"],
  ["two commas", "[1,,2]", "parse_error"],
  ["NaN", "NaN", "parse_error"],
  ["Infinity", "[Infinity]", "parse_error"],
  ["-Infinity", "[-Infinity]", "parse_error"],
  ["a hex number", "0x1", "parse_error"],
  ["a leading zero", "01", "parse_error"],
  ["a leading plus", "+1", "parse_error"],
  ["a bare dot", ".5", "parse_error"],
  ["a dot without digits", "1.", "parse_error"],
  ["an exponent without digits", "1e", "parse_error"],
  ["a lone minus", "-", "parse_error"],
  ["single quotes", "{'a':1}", "parse_error"],
  ["an unquoted key", "{a:1}", "parse_error"],
  ["a number as key", "{1:1}", "parse_error"],
  ["no colon", '{"a" 1}', "parse_error"],
  ["a colon in an array", '["a":1]', "parse_error"],
  ["no value", '{"a":}', "parse_error"],
  ["no comma", '{"a":1 "b":2}', "parse_error"],
  ["a comment", "{/* x */}", "parse_error"],
  ["a line comment", "{} // x", "parse_error"],
  ["an open string", '"abc', "parse_error"],
  ["an open string that ends in a backslash", '"abc\\', "parse_error"],
  ["an open string with an escaped quote", '"abc\\"', "parse_error"],
  ["a long open string", `"${"x".repeat(500)}`, "parse_error"],
  ["a long open string with an escaped quote at its end", `"${"x".repeat(500)}\\"`, "parse_error"],
  ["an open key", '{"abc', "parse_error"],
  ["a bad escape", '"\\x"', "parse_error"],
  ["a short unicode escape", '"\\u12"', "parse_error"],
  ["a bad escape in a key", '{"\\x":1}', "parse_error"],
  ["a line feed in a string", '"a\nb"', "parse_error"],
  ["a NUL in a string", '"a\u0000b"', "parse_error"],
  ["a tab in a string", '"a\tb"', "parse_error"],
  ["an open array", "[1", "parse_error"],
  ["an open object", '{"a":1', "parse_error"],
  ["a bracket too many", "[]]", "parse_error"],
  ["the wrong bracket", "[}", "parse_error"],
  ["a closing bracket alone", "]", "parse_error"],
  ["True", "True", "parse_error"],
  ["undefined", "undefined", "parse_error"],
  ["a form", "a=1&b=2", "parse_error"],
  ["a NUL behind", "{}\u0000", "parse_error"],
  ["a no-break space", "\u00a0{}", "parse_error"],
  ["a duplicate key", '{"a":1,"a":1}', "invalid_request"],
  ["a duplicate key, once escaped", '{"a":1,"\\u0061":2}', "invalid_request"],
  ["a duplicate key, once escaped, the other way", '{"\\u0061":1,"a":2}', "invalid_request"],
  ["a duplicate key, both escaped", '{"\\u0061b":1,"a\\u0062":2}', "invalid_request"],
  ["a duplicate key in capitals of hex", '{"\\u006A":1,"\\u006a":2}', "invalid_request"],
  ["a duplicate escaped slash", '{"a/b":1,"a\\/b":2}', "invalid_request"],
  ["a duplicate empty key", '{"":1,"":2}', "invalid_request"],
  ["a duplicate deep inside", '[[{"x":{"method":1,"params":2,"method":3}}]]', "invalid_request"],
  ["a duplicate after a nested object", '{"a":1,"b":{"c":1},"a":2}', "invalid_request"],
  [
    "a duplicate after a nested object with many keys",
    `{"a":1,"b":{${Array.from({ length: 20 }, (_, n) => `"${n}":1`)}},"a":2}`,
    "invalid_request",
  ],
  ["a duplicate among many", `{${Array.from({ length: 50 }, (_, n) => `"k${n}":1`)},"k3":2}`, "invalid_request"],
  [
    "a duplicate as the seventeenth key",
    `{${Array.from({ length: 16 }, (_, n) => `"k${n}":1`)},"k0":2}`,
    "invalid_request",
  ],
  ["__proto__", '{"__proto__":{"x":1}}', "invalid_request"],
  ["__proto__ with an escape", '{"__prot\\u006f__":1}', "invalid_request"],
  ["__proto__ among many", `{${Array.from({ length: 20 }, (_, n) => `"k${n}":1`)},"__proto__":2}`, "invalid_request"],
  ["65 levels of arrays", "[".repeat(65) + "]".repeat(65), "too_large"],
  ["65 levels of objects", `${'{"a":'.repeat(65)}1${"}".repeat(65)}`, "too_large"],
  ["a million open brackets", "[".repeat(1_000_000), "too_large"],
  ["a million empty objects", `[${"{},".repeat(1_000_000)}{}]`, "too_large"],
  ["300,000 keys", `{${Array.from({ length: 300_000 }, (_, n) => `"${n}":0`)}}`, "too_large"],
];

describe("parseJsonBody", () => {
  test.for(accepted.map((text) => [text.slice(0, 60), text] as const))("accepts %s", ([, text]) => {
    expect(parseJsonBody(bytes(text), limits).value).toEqual(JSON.parse(text));
  });

  test.for(refused)("refuses %s", ([, text, kind]) => {
    expect(kindOf(text)).toBe(kind);
  });

  test("64 levels are within the limit of 64", () => {
    expect(kindOf("[".repeat(64) + "]".repeat(64))).toBe("accepted");
  });

  test("accepts all that JSON.stringify writes and gives the same value and the same bytes", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value, null, 1);
        fc.pre(!/"__proto__"/.test(text));
        const body = bytes(text);
        const parsed = parseJsonBody(body, limits);
        expect(parsed.value).toEqual(JSON.parse(text));
        expect(parsed.bytes).toBe(body);
      }),
      { numRuns: 500, seed: 11 },
    );
  });

  test("refuses exactly what JSON.parse refuses, apart from its own rules, on damaged documents", () => {
    const damaged = fc
      .tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.constantFrom("", '"', "\\", "{", "}", "[", "]", ",", ":", "1", " "))
      .map(
        ([text, at, insert]) =>
          text.slice(0, at % (text.length + 1)) + insert + text.slice((at % (text.length + 1)) + 1),
      );
    fc.assert(
      fc.property(damaged, (text) => {
        const kind = kindOf(text);
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        if (!valid) expect(kind).not.toBe("accepted");
        // Damage can make two keys equal.
        else expect(["accepted", "invalid_request"]).toContain(kind);
      }),
      { numRuns: 1_000, seed: 5 },
    );
  });

  test("one body's keys do not linger in the next", () => {
    const wide = `{${Array.from({ length: 40 }, (_, n) => `"k${n}":1`)}`;
    for (let turn = 0; turn < 3; turn++) {
      expect(kindOf(`${wide}}`)).toBe("accepted");
      expect(kindOf(wide)).toBe("parse_error");
      expect(kindOf('{"k1":1}')).toBe("accepted");
    }
  });

  test("no object's prototype is touched", () => {
    kindOf('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
    kindOf('{"constructor":{"prototype":{"polluted":1}}}');
    expect("polluted" in {}).toBe(false);
  });
});
