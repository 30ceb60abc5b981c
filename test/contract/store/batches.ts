import { beforeAll, describe, expect, test } from "vitest";
import { GatewayError } from "../../../src/core/errors.ts";
import type { Store } from "../../../src/state/store.ts";
import { all, number, type Subject } from "./fixture.ts";

export function describeBatches(subject: Subject): void {
  describe("batches and trimming", () => {
    let store: Store;
    beforeAll(() => {
      store = subject.store();
    });

    test("a batch writes all its records, with versions, indexes and expiry", async () => {
      const collection = subject.fresh();
      await store.put(collection, number(5), "former", { indexes: { kind: "former" } });
      await store.putMany(
        collection,
        Array.from({ length: 1_000 }, (_, n) => ({
          key: number(n),
          value: { n },
          ttlMs: 60_000,
          indexes: { kind: n % 2 === 0 ? "even" : "odd" },
        })),
      );
      expect(await all((page) => store.list(collection, page), 1_000)).toHaveLength(1_000);
      expect(await all((page) => store.find(collection, "kind", "odd", page), 100)).toHaveLength(500);
      expect(await all((page) => store.find(collection, "kind", "former", page), 100)).toEqual([]);
      expect(await store.get(collection, number(5))).toMatchObject({ value: { n: 5 }, version: 2 });
      expect((await store.get(collection, number(999)))?.expiresAtMs).toBeGreaterThan(0);
    });

    test("a record given as JSON text is the value it says", async () => {
      const collection = subject.fresh();
      const value = { text: 'quotes " and \\ and \n, 日本語 🙂', list: [1, null, { deep: true }] };
      await store.putMany<unknown>(collection, [
        { key: "a", json: JSON.stringify(value), indexes: { kind: "text" } },
        { key: "b", value },
        { key: "c", json: '"text"' },
      ]);
      expect(await store.get(collection, "a")).toMatchObject({ value, version: 1 });
      expect(await store.get(collection, "b")).toMatchObject({ value, version: 1 });
      expect(await store.get(collection, "c")).toMatchObject({ value: "text" });
      expect(await all((page) => store.find(collection, "kind", "text", page), 10)).toEqual(["a"]);
    });

    test("a batch of which one record is refused writes none", async () => {
      const collection = subject.fresh();
      await store.put(collection, "a", "kept");
      await expect(
        store.putMany(collection, [
          { key: "a", value: "lost" },
          { key: "b", value: undefined },
        ]),
      ).rejects.toThrow(GatewayError);
      await expect(
        store.putMany<unknown>(collection, [
          { key: "a", value: "lost" },
          { key: "b", value: 1, indexes: { "bad name!": "x" } },
        ]),
      ).rejects.toThrow(GatewayError);
      await expect(
        store.putMany(
          collection,
          Array.from({ length: 1_001 }, (_, n) => ({ key: number(n), value: n })),
        ),
      ).rejects.toThrow(GatewayError);
      expect(await store.get(collection, "a")).toMatchObject({ value: "kept", version: 1 });
      expect(await all((page) => store.list(collection, page), 10)).toEqual(["a"]);
    });

    test("an empty batch is nothing, and the last of two equal keys stands", async () => {
      const collection = subject.fresh();
      await store.putMany(collection, []);
      await store.putMany(collection, [
        { key: "k", value: 1, indexes: { a: "1" } },
        { key: "k", value: 2, indexes: { a: "2" } },
      ]);
      expect(await store.get(collection, "k")).toMatchObject({ value: 2 });
      expect(await all((page) => store.find(collection, "a", "1", page), 10)).toEqual([]);
      expect(await all((page) => store.find(collection, "a", "2", page), 10)).toEqual(["k"]);
    });

    test("trimming removes the lowest keys beyond what is kept, from the indexes too", async () => {
      const collection = subject.fresh();
      await store.putMany(
        collection,
        Array.from({ length: 30 }, (_, n) => ({ key: number(n), value: n, indexes: { all: "1" } })),
      );
      expect(await store.trim(collection, 30)).toBe(0);
      expect(await store.trim(collection, 25, 2)).toBe(2);
      expect(await store.trim(collection, 10)).toBe(18);
      expect(await store.trim(collection, 10)).toBe(0);
      const kept = Array.from({ length: 10 }, (_, n) => number(n + 20));
      expect(await all((page) => store.list(collection, page), 100)).toEqual(kept);
      expect(await all((page) => store.find(collection, "all", "1", page), 100)).toEqual(kept);
      await store.delete(collection, number(20));
      expect(await store.trim(collection, 9)).toBe(0);
      expect(await store.trim(subject.fresh(), 0)).toBe(0);
    });

    test("trimming takes at most a thousand a call", async () => {
      const collection = subject.fresh();
      for (const base of [0, 1_000]) {
        await store.putMany(
          collection,
          Array.from({ length: 600 }, (_, n) => ({ key: number(base + n), value: n })),
        );
      }
      expect(await store.trim(collection, 0)).toBe(1_000);
      expect(await store.trim(collection, 0)).toBe(200);
      expect(await store.list(collection, { limit: 1 })).toEqual({ records: [], next: undefined });
    });
  });
}
