import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonPath } from "../../src/core/json-edit.ts";
import { locate, locateElements, rawValue } from "../../src/http/json-locate.ts";
import { splice } from "../../src/http/json-splice.ts";

const RUNS = { numRuns: 400, seed: 20_261_123 };

/** JSON text with white space, odd numbers and escaped keys that JSON.stringify would never write. */
function print(value: unknown, space: () => string, odd: () => boolean): string {
  const s = space;
  if (Array.isArray(value)) return `[${s()}${value.map((each) => print(each, s, odd) + s()).join(`,${s()}`)}]`;
  if (value !== null && typeof value === "object") {
    const key = (text: string) =>
      odd() && text !== ""
        ? `"\\u${text.charCodeAt(0).toString(16).padStart(4, "0")}${JSON.stringify(text.slice(1)).slice(1)}`
        : JSON.stringify(text);
    return `{${s()}${Object.entries(value)
      .map(([name, each]) => `${key(name)}${s()}:${s()}${print(each, s, odd)}${s()}`)
      .join(`,${s()}`)}}`;
  }
  if (typeof value === "number" && /^-?\d+$/.test(String(value)) && odd()) return `${value}.0`;
  return JSON.stringify(value);
}

const document = fc
  .tuple(
    fc.jsonValue({ maxDepth: 4 }),
    fc.infiniteStream(fc.constantFrom("", "", " ", "\n\t", "  ")),
    fc.infiniteStream(fc.boolean()),
  )
  .map(([value, spaces, odds]) => {
    const text = print(
      value,
      () => spaces.next().value ?? "",
      () => odds.next().value ?? false,
    );
    return { text: ` ${text}\n`, value: JSON.parse(text) as unknown };
  });

/** Every path into a value, with the value there. */
function paths(value: unknown, prefix: JsonPath = []): { path: JsonPath; value: unknown }[] {
  const here = [{ path: prefix, value }];
  if (Array.isArray(value)) return here.concat(value.flatMap((each, index) => paths(each, [...prefix, index])));
  if (value === null || typeof value !== "object") return here;
  return here.concat(Object.entries(value).flatMap(([key, each]) => paths(each, [...prefix, key])));
}

/** The same edit on a parsed value. */
function set(root: unknown, path: JsonPath, json: string | undefined): unknown {
  if (path.length === 0) return JSON.parse(json ?? "null");
  const copy = structuredClone(root);
  let at = copy as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
  const last = path.at(-1) ?? 0;
  if (json !== undefined)
    Object.defineProperty(at, last, { value: JSON.parse(json), enumerable: true, configurable: true, writable: true });
  else if (Array.isArray(at)) at.splice(Number(last), 1);
  else Reflect.deleteProperty(at, last);
  return copy;
}

describe("locate", () => {
  test("finds every value that JSON.parse finds, whatever the spelling of keys and the white space", () => {
    fc.assert(
      fc.property(document, ({ text, value }) => {
        for (const each of paths(value)) {
          const range = locate(Buffer.from(text), each.path);
          expect(range).toBeDefined();
          expect(JSON.parse(Buffer.from(text).toString("utf8", range?.start, range?.end))).toEqual(each.value);
        }
      }),
      RUNS,
    );
  });

  test("finds nothing where there is nothing", () => {
    const bytes = Buffer.from('{"a":[1,{"b":null}],"c":"x"}');
    for (const path of [["z"], ["a", 2], ["a", "0"], ["a", 1, "c"], ["c", "x"], ["c", 0], [0]])
      expect(locate(bytes, path)).toBeUndefined();
  });

  test("gives numbers and strings exactly as they were written", () => {
    const bytes = Buffer.from('{"id": 9007199254740993, "n":1.0,"e":1E400, "s":"\\u0061"}');
    expect(rawValue(bytes, ["id"])?.toString()).toBe("9007199254740993");
    expect(rawValue(bytes, ["n"])?.toString()).toBe("1.0");
    expect(rawValue(bytes, ["e"])?.toString()).toBe("1E400");
    expect(rawValue(bytes, ["s"])?.toString()).toBe('"\\u0061"');
  });

  test("takes the last of equal keys, as JSON.parse does", () => {
    expect(rawValue(Buffer.from('{"a":1,"\\u0061":2}'), ["a"])?.toString()).toBe("2");
  });

  test("cuts an array into its elements", () => {
    const bytes = Buffer.from(' [ {"id":1.0} , [2,3],"x]" ] ');
    expect(locateElements(bytes).map(({ start, end }) => bytes.toString("utf8", start, end))).toEqual([
      '{"id":1.0}',
      "[2,3]",
      '"x]"',
    ]);
    expect(locateElements(Buffer.from("{}"))).toEqual([]);
    expect(locateElements(Buffer.from("[]"))).toEqual([]);
  });
});

describe("splice", () => {
  test("one replacement changes that value and no other byte", () => {
    fc.assert(
      fc.property(document, fc.nat(), fc.jsonValue({ maxDepth: 1 }), ({ text, value }, pick, next) => {
        const all = paths(value);
        const { path } = all[pick % all.length] ?? { path: [] };
        const json = JSON.stringify(next);
        const bytes = Buffer.from(text);
        const range = locate(bytes, path);
        const result = splice(bytes, [{ path, json }]);
        expect(result.toString()).toBe(
          bytes.toString("utf8", 0, range?.start) + json + bytes.toString("utf8", range?.end),
        );
        expect(JSON.parse(result.toString())).toEqual(set(value, path, json));
      }),
      RUNS,
    );
  });

  test("taking one member or element away leaves the rest equal", () => {
    fc.assert(
      fc.property(document, fc.nat(), ({ text, value }, pick) => {
        const all = paths(value).filter(({ path }) => path.length > 0);
        const chosen = all[pick % Math.max(1, all.length)];
        if (chosen === undefined) return;
        const result = splice(Buffer.from(text), [{ path: chosen.path, json: undefined }]);
        expect(JSON.parse(result.toString())).toEqual(set(value, chosen.path, undefined));
      }),
      RUNS,
    );
  });

  test("any mix of edits on the members of one object gives what the parsed object would", () => {
    const edit = fc.record({
      key: fc.constantFrom("a", "b", "c", "d", "e"),
      json: fc.option(fc.constantFrom("1", '"x"', "[]", "{}"), { nil: undefined }),
    });
    const object = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.jsonValue({ maxDepth: 1 }));
    const edits = fc.uniqueArray(edit, { selector: (each) => each.key, maxLength: 5 });
    fc.assert(
      fc.property(object, edits, fc.infiniteStream(fc.constantFrom("", " ")), (value, list, spaces) => {
        const text = print(
          value,
          () => spaces.next().value ?? "",
          () => false,
        );
        const result = splice(
          Buffer.from(text),
          list.map(({ key, json }) => ({ path: [key], json })),
        );
        let expected: unknown = JSON.parse(text);
        for (const { key, json } of list) expected = set(expected, [key], json);
        expect(JSON.parse(result.toString())).toEqual(expected);
      }),
      RUNS,
    );
  });

  test("members that are new to several objects at once, empty ones too, come in the order of the edits and move nothing else", () => {
    const name = fc.constantFrom("new", "new 2", "né w", 'q"', "");
    const added = fc.record({ pick: fc.nat(), name, json: fc.constantFrom("1", "[]", "{}", '"x"', "{ }") });
    const holder = fc.dictionary(
      fc.constantFrom("a", "b"),
      fc.oneof(
        fc.constant({}),
        fc.constant([]),
        fc.constant(1),
        fc.dictionary(fc.constantFrom("a", "b"), fc.constantFrom({}, [], [{}], 2)),
      ),
    );
    fc.assert(
      fc.property(
        holder,
        fc.array(added, { minLength: 2, maxLength: 8 }),
        fc.infiniteStream(fc.constantFrom("", "", " ", "\n")),
        (value, list, spaces) => {
          const text = print(
            value,
            () => spaces.next().value ?? "",
            () => false,
          );
          const objects = paths(value).filter((each) => typeof each.value === "object" && !Array.isArray(each.value));
          const edits = new Map<string, { path: JsonPath; json: string }>();
          for (const each of list) {
            const path = [...(objects[each.pick % objects.length]?.path ?? []), each.name];
            if (!edits.has(JSON.stringify(path))) edits.set(JSON.stringify(path), { path, json: each.json });
          }
          const result = splice(Buffer.from(text), [...edits.values()]).toString();
          let expected: unknown = JSON.parse(text);
          for (const { path, json } of edits.values()) expected = set(expected, path, json);
          // As text, so that the order counts.
          expect(JSON.stringify(JSON.parse(result))).toBe(JSON.stringify(expected));
          // Every byte that was there is there still, in its order.
          let at = 0;
          for (const byte of result) if (byte === text[at]) at++;
          expect(at).toBe(text.length);
        },
      ),
      RUNS,
    );
  });

  test("elements are taken away by their original indexes", () => {
    const result = splice(
      Buffer.from("[0, 1, 2, 3 ]"),
      [3, 0, 1].map((index) => ({ path: [index], json: undefined })),
    );
    expect(JSON.parse(result.toString())).toEqual([2]);
  });

  test("missing objects on the way are made once, also for several edits under them", () => {
    const result = splice(Buffer.from('{"a":1}'), [
      { path: ["params", "_meta", "x"], json: "1" },
      { path: ["params", "_meta", "y"], json: "2" },
    ]);
    expect(result.toString()).toBe('{"a":1,"params":{"_meta":{"x":1,"y":2}}}');
  });

  test("an element can be appended and an empty container filled", () => {
    expect(splice(Buffer.from("[]"), [{ path: [0], json: "1" }]).toString()).toBe("[1]");
    expect(splice(Buffer.from('{"a":[1 ]}'), [{ path: ["a", 1], json: "2" }]).toString()).toBe('{"a":[1,2 ]}');
    expect(splice(Buffer.from("{ }"), [{ path: ["k"], json: "1" }]).toString()).toBe('{"k":1 }');
  });

  test("unknown fields, large integers, number spelling, key order and white space survive", () => {
    const text = '{ "10":1, "2": 1.0,\n "id":9007199254740993 ,"model" : "a", "x":[1e5 , -0.0] }';
    expect(splice(Buffer.from(text), [{ path: ["model"], json: '"b"' }]).toString()).toBe(text.replace('"a"', '"b"'));
  });

  test("a path through something that is no object is refused, and removing what is not there changes nothing", () => {
    const bytes = Buffer.from('{"a":"text"}');
    expect(() => splice(bytes, [{ path: ["a", "b"], json: "1" }])).toThrow(
      expect.objectContaining({ kind: "invalid_request" }),
    );
    expect(() => splice(bytes, [{ path: ["list", 0], json: "1" }])).toThrow(
      expect.objectContaining({ kind: "invalid_request" }),
    );
    expect(
      splice(bytes, [
        { path: ["z"], json: undefined },
        { path: ["a", "b"], json: undefined },
      ]),
    ).toBe(bytes);
  });
});
