import { beforeAll, describe, expect, test } from "vitest";
import { GatewayError } from "../../../src/core/errors.ts";
import type { Store } from "../../../src/state/store.ts";
import { all, type Subject } from "./fixture.ts";

export function describeRecords(subject: Subject): void {
  describe("records", () => {
    let store: Store;
    beforeAll(() => {
      store = subject.store();
    });

    test("a record is read back as it was put, with its version and no expiry", async () => {
      const collection = subject.fresh();
      expect(await store.get(collection, "a")).toBeUndefined();
      expect(await store.put(collection, "a", { n: 1, list: [null, true, "x"] })).toBe(1);
      expect(await store.get(collection, "a")).toEqual({
        key: "a",
        value: { n: 1, list: [null, true, "x"] },
        version: 1,
        expiresAtMs: undefined,
      });
      expect(await store.put(collection, "a", "second")).toBe(2);
      expect(await store.get(collection, "a")).toMatchObject({ value: "second", version: 2 });
    });

    test("collections do not see each other's keys", async () => {
      const [one, two] = [subject.fresh(), subject.fresh()];
      await store.put(one, "k", 1);
      expect(await store.get(two, "k")).toBeUndefined();
      expect(await store.delete(two, "k")).toBe(false);
      expect(await store.get(one, "k")).toMatchObject({ value: 1 });
    });

    test("what the caller does to a value afterwards does not reach the store", async () => {
      const collection = subject.fresh();
      const value = { nested: { n: 1 } };
      await store.put(collection, "k", value);
      value.nested.n = 2;
      const read = await store.get<typeof value>(collection, "k");
      expect(read?.value).toEqual({ nested: { n: 1 } });
      (read as { value: typeof value }).value.nested.n = 3;
      expect((await store.get<typeof value>(collection, "k"))?.value).toEqual({ nested: { n: 1 } });
    });

    test.for([
      ["a megabyte", "x".repeat(1_000_000)],
      ["text of every plane", 'ä 漢字 🙂 \u0000 \u2028 \ud83d " \\ \n'],
      ["a number beyond 2^53 as a string", "9007199254740993"],
      ["the largest safe integer", Number.MAX_SAFE_INTEGER],
      ["a fraction", 0.1],
      ["null", null],
      ["false", false],
      ["an empty object", {}],
      ["a key named __proto__", JSON.parse('{"__proto__":{"x":1},"constructor":2}')],
    ] as const)("a value keeps its meaning: %s", async ([, value]) => {
      const collection = subject.fresh();
      await store.put(collection, "k", value);
      expect((await store.get(collection, "k"))?.value).toEqual(value);
    });

    test.for([
      ["spaces and punctuation", " a:b/c{d}e*?[x]\\\"'%_~"],
      ["braces first", "{tag}rest"],
      ["the longest", "k".repeat(512)],
      ["prototype names", "__proto__"],
    ] as const)("a key may be any printable ASCII: %s", async ([, key]) => {
      const collection = subject.fresh();
      expect(await store.put(collection, key, 1, { ifVersion: 0, indexes: { by: key } })).toBe(1);
      expect(await store.get(collection, key)).toMatchObject({ key, value: 1 });
      expect(await all((page) => store.find(collection, "by", key, page), 10)).toEqual([key]);
      expect(await store.delete(collection, key)).toBe(true);
      expect(await all((page) => store.find(collection, "by", key, page), 10)).toEqual([]);
    });

    test.for([
      ["empty", ""],
      ["too long", "k".repeat(513)],
      ["not ASCII", "ключ"],
      ["a line feed", "a\nb"],
      ["a NUL", "a\0b"],
    ] as const)("a key that cannot exist is not found and cannot be written: %s", async ([, key]) => {
      const collection = subject.fresh();
      expect(await store.get(collection, key)).toBeUndefined();
      expect(await store.delete(collection, key)).toBe(false);
      await expect(store.put(collection, key, 1)).rejects.toThrow(GatewayError);
      await expect(
        store.putMany(collection, [
          { key: "fine", value: 1 },
          { key, value: 2 },
        ]),
      ).rejects.toThrow(GatewayError);
      expect(await store.get(collection, "fine")).toBeUndefined();
    });

    test("what is not JSON is refused and changes nothing", async () => {
      const collection = subject.fresh();
      await store.put(collection, "k", 1);
      await expect(store.put(collection, "k", undefined)).rejects.toThrow(GatewayError);
      await expect(store.put(collection, "k", () => 1)).rejects.toThrow(GatewayError);
      expect(await store.get(collection, "k")).toMatchObject({ value: 1, version: 1 });
    });

    test("a deleted record is gone and a new one starts at version 1", async () => {
      const collection = subject.fresh();
      await store.put(collection, "k", 1);
      await store.put(collection, "k", 2);
      expect(await store.delete(collection, "k")).toBe(true);
      expect(await store.delete(collection, "k")).toBe(false);
      expect(await store.get(collection, "k")).toBeUndefined();
      expect(await store.put(collection, "k", 3)).toBe(1);
    });
  });
}
