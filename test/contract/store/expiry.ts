import { beforeAll, describe, expect, test } from "vitest";
import type { Store } from "../../../src/state/store.ts";
import { AFTER_TTL_MS, TTL_MS, all, number, type Subject } from "./fixture.ts";
import { limitedCounter } from "./scripts-under-test.ts";

export function describeExpiry(subject: Subject): void {
  describe("expiry", () => {
    let store: Store;
    beforeAll(() => {
      store = subject.store();
    });

    test("a record says when it expires and is gone then: not read, not listed, not found, not deleted, free to be made anew", async () => {
      const collection = subject.fresh();
      await store.put(collection, "k", 1, { ttlMs: TTL_MS, indexes: { owner: "a" } });
      await store.put(collection, "stays", 1, { indexes: { owner: "a" } });
      const record = await store.get(collection, "k");
      expect(record?.expiresAtMs).toBeGreaterThan(0);
      expect(Number.isInteger(record?.expiresAtMs)).toBe(true);
      await subject.fixture().pass(AFTER_TTL_MS);
      expect(await store.get(collection, "k")).toBeUndefined();
      expect(await all((page) => store.list(collection, page), 1)).toEqual(["stays"]);
      expect(await all((page) => store.find(collection, "owner", "a", page), 1)).toEqual(["stays"]);
      expect(await store.delete(collection, "k")).toBe(false);
      expect(await store.put(collection, "k", 2, { ifVersion: 1 })).toBeUndefined();
      expect(await store.put(collection, "k", 2, { ifVersion: 0, indexes: { owner: "b" } })).toBe(1);
      expect(await all((page) => store.find(collection, "owner", "a", page), 10)).toEqual(["stays"]);
      expect(await all((page) => store.find(collection, "owner", "b", page), 10)).toEqual(["k"]);
    });

    test("a later put replaces the expiry, with another or with none", async () => {
      const collection = subject.fresh();
      await store.put(collection, "none", 1, { ttlMs: TTL_MS });
      await store.put(collection, "none", 2);
      await store.put(collection, "longer", 1, { ttlMs: TTL_MS });
      await store.put(collection, "longer", 2, { ttlMs: 60_000 });
      await store.put(collection, "shorter", 1);
      await store.put(collection, "shorter", 2, { ttlMs: TTL_MS });
      await subject.fixture().pass(AFTER_TTL_MS);
      expect(await all((page) => store.list(collection, page), 10)).toEqual(["longer", "none"]);
      expect(await store.get(collection, "none")).toMatchObject({ value: 2, expiresAtMs: undefined });
    });

    test("a time to live of zero or less has the record gone at once", async () => {
      const collection = subject.fresh();
      await store.put(collection, "k", 1);
      expect(await store.put(collection, "k", 2, { ttlMs: 0, indexes: { owner: "a" } })).toBe(2);
      await store.put(collection, "past", 2, { ttlMs: -5 });
      expect(await store.get(collection, "k")).toBeUndefined();
      expect(await store.get(collection, "past")).toBeUndefined();
      expect(await all((page) => store.find(collection, "owner", "a", page), 10)).toEqual([]);
      expect(await store.put(collection, "k", 3, { ifVersion: 0 })).toBe(1);
    });

    test("a very long time to live is kept", async () => {
      const collection = subject.fresh();
      await store.put(collection, "k", 1, { ttlMs: 100 * 365 * 86_400_000 });
      expect(await store.get(collection, "k")).toMatchObject({ value: 1 });
    });

    test("pages stay whole among many expired records", async () => {
      const collection = subject.fresh();
      const entries = Array.from({ length: 600 }, (_, n) => ({
        key: number(n),
        value: n,
        indexes: { owner: "a" },
        ...(n % 20 !== 0 && { ttlMs: TTL_MS }),
      }));
      await store.putMany(collection, entries);
      await subject.fixture().pass(AFTER_TTL_MS);
      const kept = entries.filter((entry) => entry.ttlMs === undefined).map((entry) => entry.key);
      const page = await store.find(collection, "owner", "a", { limit: 10 });
      expect(page.records.map((record) => record.key)).toEqual(kept.slice(0, 10));
      expect(await all((options) => store.find(collection, "owner", "a", options), 7)).toEqual(kept);
      expect(await all((options) => store.list(collection, options), 7, true)).toEqual([...kept].reverse());
    });

    test("later writes take expired records away for good, a few each", async () => {
      const collection = subject.fresh();
      const entries = Array.from({ length: 100 }, (_, n) => ({ key: number(n), value: n, ttlMs: TTL_MS }));
      await store.putMany(collection, entries);
      await subject.fixture().pass(AFTER_TTL_MS);
      for (let n = 0; n < 60; n += 1) await store.put(collection, "stays", n);
      // Trimming counts what is held, expired or not.
      expect(await store.trim(collection, 1)).toBe(0);
    });

    test("an expired record of a script reads as missing", async () => {
      const key = `{${subject.fresh()}}c`;
      expect(await store.run(limitedCounter, [key], ["5", "5", String(TTL_MS)])).toBe("taken 5");
      expect(await store.run(limitedCounter, [key], ["5", "1", String(TTL_MS)])).toBe("refused 5");
      await subject.fixture().pass(AFTER_TTL_MS);
      expect(await store.run(limitedCounter, [key], ["5", "1", String(TTL_MS)])).toBe("taken 1");
    });
  });
}
