import { beforeAll, describe, expect, test } from "vitest";
import type { Store } from "../../../src/state/store.ts";
import { all, type Subject } from "./fixture.ts";

export function describeCompareAndSet(subject: Subject): void {
  describe("compare-and-set", () => {
    let store: Store;
    beforeAll(() => {
      store = subject.store();
    });

    test("version 0 means that no live record may exist", async () => {
      const collection = subject.fresh();
      expect(await store.put(collection, "k", "first", { ifVersion: 0 })).toBe(1);
      expect(await store.put(collection, "k", "second", { ifVersion: 0 })).toBeUndefined();
      expect(await store.get(collection, "k")).toMatchObject({ value: "first", version: 1 });
    });

    test("a version that does not stand changes neither value, nor indexes, nor expiry", async () => {
      const collection = subject.fresh();
      await store.put(collection, "k", "kept", { indexes: { owner: "a" } });
      expect(
        await store.put(collection, "k", "lost", { ifVersion: 7, ttlMs: 1, indexes: { owner: "b" } }),
      ).toBeUndefined();
      expect(await store.get(collection, "k")).toEqual({
        key: "k",
        value: "kept",
        version: 1,
        expiresAtMs: undefined,
      });
      expect(await all((page) => store.find(collection, "owner", "a", page), 10)).toEqual(["k"]);
      expect(await all((page) => store.find(collection, "owner", "b", page), 10)).toEqual([]);
      expect(await store.put(collection, "missing", 1, { ifVersion: 1 })).toBeUndefined();
      expect(await store.get(collection, "missing")).toBeUndefined();
    });

    test("of a hundred putters that saw the same version exactly one wins", async () => {
      const collection = subject.fresh();
      await store.put(collection, "k", "start");
      const stores = [store, subject.fixture().second ?? store];
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, n) => (stores[n % 2] as Store).put(collection, "k", n, { ifVersion: 1 })),
      );
      const winners = outcomes.flatMap((version, n) => (version === undefined ? [] : [n]));
      expect(winners).toHaveLength(1);
      expect(await store.get(collection, "k")).toMatchObject({ value: winners[0], version: 2 });
    });

    test("of a hundred creators exactly one wins", async () => {
      const collection = subject.fresh();
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, n) => store.put(collection, "k", n, { ifVersion: 0 })),
      );
      expect(outcomes.filter((version) => version === 1)).toHaveLength(1);
      expect(outcomes.filter((version) => version === undefined)).toHaveLength(99);
    });

    test("a read-modify-write loop under contention loses no update", async () => {
      const collection = subject.fresh();
      await store.put(collection, "k", 0);
      const stores = [store, subject.fixture().second ?? store];
      const increment = async (each: Store): Promise<void> => {
        for (;;) {
          const record = await each.get<number>(collection, "k");
          if (record === undefined) throw new Error("the record went away");
          if ((await each.put(collection, "k", record.value + 1, { ifVersion: record.version })) !== undefined) return;
        }
      };
      await Promise.all(Array.from({ length: 40 }, (_, n) => increment(stores[n % 2] as Store)));
      expect(await store.get(collection, "k")).toMatchObject({ value: 40, version: 41 });
    });

    test("a delete with a version that does not stand changes nothing, and of many with the right one exactly one wins", async () => {
      const collection = subject.fresh();
      await store.put(collection, "k", 1);
      await store.put(collection, "k", 2);
      expect(await store.delete(collection, "k", 1)).toBe(false);
      expect(await store.get(collection, "k")).toMatchObject({ version: 2 });
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => store.delete(collection, "k", 2)));
      expect(outcomes.filter(Boolean)).toHaveLength(1);
    });
  });
}
