import { beforeAll, describe, expect, test } from "vitest";
import { GatewayError } from "../../../src/core/errors.ts";
import type { Page, Store } from "../../../src/state/store.ts";
import { all, number, type Subject } from "./fixture.ts";

export function describeIndexes(subject: Subject): void {
  describe("indexes and pages", () => {
    let store: Store;
    beforeAll(() => {
      store = subject.store();
    });

    test("a record is found by each of its indexes and by none of its former ones", async () => {
      const collection = subject.fresh();
      await store.put(collection, "k", 1, { indexes: { owner: "a", chain: "x" } });
      expect(await all((page) => store.find(collection, "owner", "a", page), 10)).toEqual(["k"]);
      expect(await all((page) => store.find(collection, "chain", "x", page), 10)).toEqual(["k"]);
      expect(await all((page) => store.find(collection, "chain", "a", page), 10)).toEqual([]);
      await store.put(collection, "k", 2, { indexes: { owner: "b", chain: "x" } });
      expect(await all((page) => store.find(collection, "owner", "a", page), 10)).toEqual([]);
      expect(await all((page) => store.find(collection, "owner", "b", page), 10)).toEqual(["k"]);
      expect(await all((page) => store.find(collection, "chain", "x", page), 10)).toEqual(["k"]);
      await store.put(collection, "k", 3);
      expect(await all((page) => store.find(collection, "owner", "b", page), 10)).toEqual([]);
      expect(await all((page) => store.find(collection, "chain", "x", page), 10)).toEqual([]);
      expect(await store.get(collection, "k")).toMatchObject({ value: 3, version: 3 });
    });

    test("a deleted record is found by no index", async () => {
      const collection = subject.fresh();
      await store.put(collection, "k", 1, { indexes: { owner: "a" } });
      await store.delete(collection, "k");
      expect(await all((page) => store.find(collection, "owner", "a", page), 10)).toEqual([]);
    });

    test.for(["", " ", "日本語 🙂", "a\0b", "a:b", "{x}", "*", "%", "__proto__", "\ud800", "v".repeat(4_096)])(
      "an index value may be any text: %j",
      async (value) => {
        const collection = subject.fresh();
        await store.put(collection, "k", 1, { indexes: { owner: value } });
        await store.put(collection, "other", 1, { indexes: { owner: `${value.slice(1)}-` } });
        expect(await all((page) => store.find(collection, "owner", value, page), 10)).toEqual(["k"]);
      },
    );

    test("index names and values are never confused with one another", async () => {
      const collection = subject.fresh();
      await store.put(collection, "k", 1, { indexes: { a: "b:c" } });
      await store.put(collection, "l", 1, { indexes: { "a.b": "c" } });
      expect(await all((page) => store.find(collection, "a", "b:c", page), 10)).toEqual(["k"]);
      expect(await all((page) => store.find(collection, "a.b", "c", page), 10)).toEqual(["l"]);
      expect(await all((page) => store.find(collection, "a", "b", page), 10)).toEqual([]);
    });

    test("pages come in the order of the keys, in both directions, whole and without repeats, at every size", async () => {
      const collection = subject.fresh();
      const keys = ["B", "a", "~", " ", "10", "9", "a.b", "a-b", "Z", "_"];
      for (const key of keys) await store.put(collection, key, key, { indexes: { all: "1" } });
      const sorted = [...keys].sort((a, b) => (a < b ? -1 : 1));
      for (const limit of [1, 3, 9, 10, 11, 1_000]) {
        expect(await all((page) => store.list(collection, page), limit)).toEqual(sorted);
        expect(await all((page) => store.list(collection, page), limit, true)).toEqual([...sorted].reverse());
        expect(await all((page) => store.find(collection, "all", "1", page), limit)).toEqual(sorted);
        expect(await all((page) => store.find(collection, "all", "1", page), limit, true)).toEqual(
          [...sorted].reverse(),
        );
      }
    });

    test("the last page has no next, also when it is full", async () => {
      const collection = subject.fresh();
      for (const key of ["a", "b"]) await store.put(collection, key, 1);
      expect(await store.list(collection, { limit: 2 })).toMatchObject({ next: undefined });
      expect(await store.list(collection, { limit: 1 })).toMatchObject({ next: "a" });
      expect(await store.list(collection, { limit: 5, after: "b" })).toEqual({ records: [], next: undefined });
      expect(await store.list(subject.fresh(), { limit: 5 })).toEqual({ records: [], next: undefined });
    });

    test("`after` need not be a key that still exists", async () => {
      const collection = subject.fresh();
      for (const key of ["a", "c", "e"]) await store.put(collection, key, 1);
      expect((await store.list(collection, { limit: 5, after: "b" })).records.map((record) => record.key)).toEqual([
        "c",
        "e",
      ]);
      expect(
        (await store.list(collection, { limit: 5, after: "d", descending: true })).records.map((record) => record.key),
      ).toEqual(["c", "a"]);
    });

    test("a record that stands all through the paging is met exactly once while others come and go", async () => {
      const collection = subject.fresh();
      const standing = Array.from({ length: 100 }, (_, n) => `${number(n)}-standing`);
      await store.putMany(
        collection,
        standing.map((key) => ({ key, value: 1, indexes: { all: "1" } })),
      );
      const seen: string[] = [];
      let after: string | undefined;
      let turn = 0;
      do {
        const page: Page<number> = await store.find(collection, "all", "1", {
          limit: 9,
          ...(after !== undefined && { after }),
        });
        seen.push(...page.records.map((record) => record.key));
        after = page.next;
        turn += 1;
        await Promise.all([
          store.put(collection, `${number(turn * 7)}-came`, 1, { indexes: { all: "1" } }),
          store.put(collection, `${number(turn)}-before`, 1, { indexes: { all: "1" } }),
          store.delete(collection, `${number((turn - 1) * 7)}-came`),
        ]);
      } while (after !== undefined);
      expect(seen.filter((key) => key.endsWith("-standing"))).toEqual(standing);
      expect(new Set(seen).size).toBe(seen.length);
    });

    test.for([0, -1, 1.5, 1_001, Number.NaN])("a page of %d records is refused", async (limit) => {
      await expect(store.list(subject.fresh(), { limit })).rejects.toThrow(GatewayError);
      await expect(store.find(subject.fresh(), "a", "b", { limit })).rejects.toThrow(GatewayError);
    });
  });
}
