import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import type { Page, PageOptions, Store, StoreScript } from "../../src/state/store.ts";

/** One implementation under the contract. */
export interface StoreFixture {
  readonly store: Store;
  /** A second store on the same data; absent where data cannot be shared. */
  readonly second: Store | undefined;
  /** Lets the store's clock pass, for real where it is the server's. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** Takes one while there are fewer than the limit: the shape of every budget. */
export const limitedCounter: StoreScript = {
  name: "limited-counter",
  lua: `
    local limit, by, ttlMs = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
    local record = view.get(KEYS[1])
    local used = record and tonumber(record.used) or 0
    if used + by > limit then return "refused " .. string.format("%.0f", used) end
    view.set(KEYS[1], { used = string.format("%.0f", used + by) }, ttlMs)
    return "taken " .. string.format("%.0f", used + by)`,
  run(view, [key], [limit, by, ttlMs]) {
    const used = Number(view.get(key as string)?.["used"] ?? 0);
    if (used + Number(by) > Number(limit)) return `refused ${used}`;
    view.set(key as string, { used: String(used + Number(by)) }, ttlMs === undefined ? undefined : Number(ttlMs));
    return `taken ${used + Number(by)}`;
  },
};

/** Moves between two records, or refuses: both change or neither. */
const transfer: StoreScript = {
  name: "transfer",
  lua: `
    local from, to = view.get(KEYS[1]) or { n = "0" }, view.get(KEYS[2]) or { n = "0" }
    local amount = tonumber(ARGV[1])
    if tonumber(from.n) < amount then return "short" end
    view.set(KEYS[1], { n = string.format("%.0f", tonumber(from.n) - amount) })
    view.set(KEYS[2], { n = string.format("%.0f", tonumber(to.n) + amount) })
    return "moved"`,
  run(view, [from, to], [amount]) {
    const had = Number(view.get(from as string)?.["n"] ?? 0);
    const has = Number(view.get(to as string)?.["n"] ?? 0);
    if (had < Number(amount)) return "short";
    view.set(from as string, { n: String(had - Number(amount)) });
    view.set(to as string, { n: String(has + Number(amount)) });
    return "moved";
  },
};

/** Writes, reads back and removes fields of any text. */
const echo: StoreScript = {
  name: "echo",
  lua: `
    if ARGV[1] == "set" then view.set(KEYS[1], { [ARGV[2]] = ARGV[3], other = "1" }) return "" end
    if ARGV[1] == "delete" then view.delete(KEYS[1]) return "" end
    local record = view.get(KEYS[1])
    if not record then return "none" end
    return record[ARGV[2]] or "no field"`,
  run(view, [key], [verb, field, value]) {
    if (verb === "set") return (view.set(key as string, { [field as string]: value as string, other: "1" }), "");
    if (verb === "delete") return (view.delete(key as string), "");
    const record = view.get(key as string);
    return record === undefined ? "none" : (record[field as string] ?? "no field");
  },
};

const clockOf: StoreScript = {
  name: "clock",
  lua: `return string.format("%.0f", view.nowMs)`,
  run: (view) => String(view.nowMs),
};

const TTL_MS = 700;
const AFTER_TTL_MS = 900;

async function all<T>(
  read: (page: PageOptions) => Promise<Page<T>>,
  limit: number,
  descending = false,
): Promise<string[]> {
  const keys: string[] = [];
  let after: string | undefined;
  do {
    const page: Page<T> = await read({ limit, descending, ...(after !== undefined && { after }) });
    keys.push(...page.records.map((record) => record.key));
    after = page.next;
  } while (after !== undefined);
  return keys;
}

const number = (n: number) => String(n).padStart(6, "0");

/** The contract of `Store`, run on one implementation. */
export function describeStore(name: string, open: () => Promise<StoreFixture>): void {
  describe(`store contract on ${name}`, () => {
    let fixture: StoreFixture;
    let store: Store;
    let serial = 0;
    /** A collection of its own for each test. */
    const fresh = () => `test-${(serial += 1)}`;

    beforeAll(async () => {
      fixture = await open();
      store = fixture.store;
    });
    afterAll(async () => {
      await fixture.close();
    });

    describe("records", () => {
      test("a record is read back as it was put, with its version and no expiry", async () => {
        const collection = fresh();
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
        const [one, two] = [fresh(), fresh()];
        await store.put(one, "k", 1);
        expect(await store.get(two, "k")).toBeUndefined();
        expect(await store.delete(two, "k")).toBe(false);
        expect(await store.get(one, "k")).toMatchObject({ value: 1 });
      });

      test("what the caller does to a value afterwards does not reach the store", async () => {
        const collection = fresh();
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
        const collection = fresh();
        await store.put(collection, "k", value);
        expect((await store.get(collection, "k"))?.value).toEqual(value);
      });

      test.for([
        ["spaces and punctuation", " a:b/c{d}e*?[x]\\\"'%_~"],
        ["braces first", "{tag}rest"],
        ["the longest", "k".repeat(512)],
        ["prototype names", "__proto__"],
      ] as const)("a key may be any printable ASCII: %s", async ([, key]) => {
        const collection = fresh();
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
        const collection = fresh();
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
        const collection = fresh();
        await store.put(collection, "k", 1);
        await expect(store.put(collection, "k", undefined)).rejects.toThrow(GatewayError);
        await expect(store.put(collection, "k", () => 1)).rejects.toThrow(GatewayError);
        expect(await store.get(collection, "k")).toMatchObject({ value: 1, version: 1 });
      });

      test("a deleted record is gone and a new one starts at version 1", async () => {
        const collection = fresh();
        await store.put(collection, "k", 1);
        await store.put(collection, "k", 2);
        expect(await store.delete(collection, "k")).toBe(true);
        expect(await store.delete(collection, "k")).toBe(false);
        expect(await store.get(collection, "k")).toBeUndefined();
        expect(await store.put(collection, "k", 3)).toBe(1);
      });
    });

    describe("compare-and-set", () => {
      test("version 0 means that no live record may exist", async () => {
        const collection = fresh();
        expect(await store.put(collection, "k", "first", { ifVersion: 0 })).toBe(1);
        expect(await store.put(collection, "k", "second", { ifVersion: 0 })).toBeUndefined();
        expect(await store.get(collection, "k")).toMatchObject({ value: "first", version: 1 });
      });

      test("a version that does not stand changes neither value, nor indexes, nor expiry", async () => {
        const collection = fresh();
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
        const collection = fresh();
        await store.put(collection, "k", "start");
        const stores = [store, fixture.second ?? store];
        const outcomes = await Promise.all(
          Array.from({ length: 100 }, (_, n) => (stores[n % 2] as Store).put(collection, "k", n, { ifVersion: 1 })),
        );
        const winners = outcomes.flatMap((version, n) => (version === undefined ? [] : [n]));
        expect(winners).toHaveLength(1);
        expect(await store.get(collection, "k")).toMatchObject({ value: winners[0], version: 2 });
      });

      test("of a hundred creators exactly one wins", async () => {
        const collection = fresh();
        const outcomes = await Promise.all(
          Array.from({ length: 100 }, (_, n) => store.put(collection, "k", n, { ifVersion: 0 })),
        );
        expect(outcomes.filter((version) => version === 1)).toHaveLength(1);
        expect(outcomes.filter((version) => version === undefined)).toHaveLength(99);
      });

      test("a read-modify-write loop under contention loses no update", async () => {
        const collection = fresh();
        await store.put(collection, "k", 0);
        const stores = [store, fixture.second ?? store];
        const increment = async (each: Store): Promise<void> => {
          for (;;) {
            const record = await each.get<number>(collection, "k");
            if (record === undefined) throw new Error("the record went away");
            if ((await each.put(collection, "k", record.value + 1, { ifVersion: record.version })) !== undefined)
              return;
          }
        };
        await Promise.all(Array.from({ length: 40 }, (_, n) => increment(stores[n % 2] as Store)));
        expect(await store.get(collection, "k")).toMatchObject({ value: 40, version: 41 });
      });

      test("a delete with a version that does not stand changes nothing, and of many with the right one exactly one wins", async () => {
        const collection = fresh();
        await store.put(collection, "k", 1);
        await store.put(collection, "k", 2);
        expect(await store.delete(collection, "k", 1)).toBe(false);
        expect(await store.get(collection, "k")).toMatchObject({ version: 2 });
        const outcomes = await Promise.all(Array.from({ length: 20 }, () => store.delete(collection, "k", 2)));
        expect(outcomes.filter(Boolean)).toHaveLength(1);
      });
    });

    describe("expiry", () => {
      test("a record says when it expires and is gone then: not read, not listed, not found, not deleted, free to be made anew", async () => {
        const collection = fresh();
        await store.put(collection, "k", 1, { ttlMs: TTL_MS, indexes: { owner: "a" } });
        await store.put(collection, "stays", 1, { indexes: { owner: "a" } });
        const record = await store.get(collection, "k");
        expect(record?.expiresAtMs).toBeGreaterThan(0);
        expect(Number.isInteger(record?.expiresAtMs)).toBe(true);
        await fixture.pass(AFTER_TTL_MS);
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
        const collection = fresh();
        await store.put(collection, "none", 1, { ttlMs: TTL_MS });
        await store.put(collection, "none", 2);
        await store.put(collection, "longer", 1, { ttlMs: TTL_MS });
        await store.put(collection, "longer", 2, { ttlMs: 60_000 });
        await store.put(collection, "shorter", 1);
        await store.put(collection, "shorter", 2, { ttlMs: TTL_MS });
        await fixture.pass(AFTER_TTL_MS);
        expect(await all((page) => store.list(collection, page), 10)).toEqual(["longer", "none"]);
        expect(await store.get(collection, "none")).toMatchObject({ value: 2, expiresAtMs: undefined });
      });

      test("a time to live of zero or less has the record gone at once", async () => {
        const collection = fresh();
        await store.put(collection, "k", 1);
        expect(await store.put(collection, "k", 2, { ttlMs: 0, indexes: { owner: "a" } })).toBe(2);
        await store.put(collection, "past", 2, { ttlMs: -5 });
        expect(await store.get(collection, "k")).toBeUndefined();
        expect(await store.get(collection, "past")).toBeUndefined();
        expect(await all((page) => store.find(collection, "owner", "a", page), 10)).toEqual([]);
        expect(await store.put(collection, "k", 3, { ifVersion: 0 })).toBe(1);
      });

      test("a very long time to live is kept", async () => {
        const collection = fresh();
        await store.put(collection, "k", 1, { ttlMs: 100 * 365 * 86_400_000 });
        expect(await store.get(collection, "k")).toMatchObject({ value: 1 });
      });

      test("pages stay whole among many expired records", async () => {
        const collection = fresh();
        const entries = Array.from({ length: 600 }, (_, n) => ({
          key: number(n),
          value: n,
          indexes: { owner: "a" },
          ...(n % 20 !== 0 && { ttlMs: TTL_MS }),
        }));
        await store.putMany(collection, entries);
        await fixture.pass(AFTER_TTL_MS);
        const kept = entries.filter((entry) => entry.ttlMs === undefined).map((entry) => entry.key);
        const page = await store.find(collection, "owner", "a", { limit: 10 });
        expect(page.records.map((record) => record.key)).toEqual(kept.slice(0, 10));
        expect(await all((options) => store.find(collection, "owner", "a", options), 7)).toEqual(kept);
        expect(await all((options) => store.list(collection, options), 7, true)).toEqual([...kept].reverse());
      });

      test("an expired record of a script reads as missing", async () => {
        const key = `{${fresh()}}c`;
        expect(await store.run(limitedCounter, [key], ["5", "5", String(TTL_MS)])).toBe("taken 5");
        expect(await store.run(limitedCounter, [key], ["5", "1", String(TTL_MS)])).toBe("refused 5");
        await fixture.pass(AFTER_TTL_MS);
        expect(await store.run(limitedCounter, [key], ["5", "1", String(TTL_MS)])).toBe("taken 1");
      });
    });

    describe("indexes and pages", () => {
      test("a record is found by each of its indexes and by none of its former ones", async () => {
        const collection = fresh();
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
        const collection = fresh();
        await store.put(collection, "k", 1, { indexes: { owner: "a" } });
        await store.delete(collection, "k");
        expect(await all((page) => store.find(collection, "owner", "a", page), 10)).toEqual([]);
      });

      test.for(["", " ", "日本語 🙂", "a\0b", "a:b", "{x}", "*", "%", "__proto__", "\ud800", "v".repeat(4_096)])(
        "an index value may be any text: %j",
        async (value) => {
          const collection = fresh();
          await store.put(collection, "k", 1, { indexes: { owner: value } });
          await store.put(collection, "other", 1, { indexes: { owner: `${value.slice(1)}-` } });
          expect(await all((page) => store.find(collection, "owner", value, page), 10)).toEqual(["k"]);
        },
      );

      test("index names and values are never confused with one another", async () => {
        const collection = fresh();
        await store.put(collection, "k", 1, { indexes: { a: "b:c" } });
        await store.put(collection, "l", 1, { indexes: { "a.b": "c" } });
        expect(await all((page) => store.find(collection, "a", "b:c", page), 10)).toEqual(["k"]);
        expect(await all((page) => store.find(collection, "a.b", "c", page), 10)).toEqual(["l"]);
        expect(await all((page) => store.find(collection, "a", "b", page), 10)).toEqual([]);
      });

      test("pages come in the order of the keys, in both directions, whole and without repeats, at every size", async () => {
        const collection = fresh();
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
        const collection = fresh();
        for (const key of ["a", "b"]) await store.put(collection, key, 1);
        expect(await store.list(collection, { limit: 2 })).toMatchObject({ next: undefined });
        expect(await store.list(collection, { limit: 1 })).toMatchObject({ next: "a" });
        expect(await store.list(collection, { limit: 5, after: "b" })).toEqual({ records: [], next: undefined });
        expect(await store.list(fresh(), { limit: 5 })).toEqual({ records: [], next: undefined });
      });

      test("`after` need not be a key that still exists", async () => {
        const collection = fresh();
        for (const key of ["a", "c", "e"]) await store.put(collection, key, 1);
        expect((await store.list(collection, { limit: 5, after: "b" })).records.map((record) => record.key)).toEqual([
          "c",
          "e",
        ]);
        expect(
          (await store.list(collection, { limit: 5, after: "d", descending: true })).records.map(
            (record) => record.key,
          ),
        ).toEqual(["c", "a"]);
      });

      test("a record that stands all through the paging is met exactly once while others come and go", async () => {
        const collection = fresh();
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
        await expect(store.list(fresh(), { limit })).rejects.toThrow(GatewayError);
        await expect(store.find(fresh(), "a", "b", { limit })).rejects.toThrow(GatewayError);
      });
    });

    describe("batches and trimming", () => {
      test("a batch writes all its records, with versions, indexes and expiry", async () => {
        const collection = fresh();
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

      test("a batch of which one record is refused writes none", async () => {
        const collection = fresh();
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
        const collection = fresh();
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
        const collection = fresh();
        await store.putMany(
          collection,
          Array.from({ length: 30 }, (_, n) => ({ key: number(n), value: n, indexes: { all: "1" } })),
        );
        expect(await store.trim(collection, 30)).toBe(0);
        expect(await store.trim(collection, 10)).toBe(20);
        expect(await store.trim(collection, 10)).toBe(0);
        const kept = Array.from({ length: 10 }, (_, n) => number(n + 20));
        expect(await all((page) => store.list(collection, page), 100)).toEqual(kept);
        expect(await all((page) => store.find(collection, "all", "1", page), 100)).toEqual(kept);
        await store.delete(collection, number(20));
        expect(await store.trim(collection, 9)).toBe(0);
        expect(await store.trim(fresh(), 0)).toBe(0);
      });

      test("trimming takes at most a thousand a call", async () => {
        const collection = fresh();
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

    describe("scripts", () => {
      test("ten thousand concurrent takers of a limit of 1,234 get exactly 1,234", { timeout: 30_000 }, async () => {
        const key = `{${fresh()}}limit`;
        const stores = [store, fixture.second ?? store];
        const outcomes = await Promise.all(
          Array.from({ length: 10_000 }, (_, n) => (stores[n % 2] as Store).run(limitedCounter, [key], ["1234", "1"])),
        );
        expect(outcomes.filter((outcome) => outcome.startsWith("taken"))).toHaveLength(1_234);
        expect(outcomes.filter((outcome) => outcome === "refused 1234")).toHaveLength(10_000 - 1_234);
        expect(new Set(outcomes).size).toBe(1_235);
      });

      test("a script over two records changes both or neither", async () => {
        const tag = `{${fresh()}}`;
        const [a, b] = [`${tag}a`, `${tag}b`];
        expect(await store.run(transfer, [a, b], ["1"])).toBe("short");
        expect(await store.run(transfer, [a, b], ["-50"])).toBe("moved");
        expect(await store.run(transfer, [a, b], ["51"])).toBe("short");
        const outcomes = await Promise.all(Array.from({ length: 100 }, () => store.run(transfer, [a, b], ["1"])));
        expect(outcomes.filter((outcome) => outcome === "moved")).toHaveLength(50);
      });

      test("numbers beyond 2^31 and up to 2^53 come out the same in both forms", async () => {
        const key = `{${fresh()}}big`;
        const limit = String(Number.MAX_SAFE_INTEGER);
        expect(await store.run(limitedCounter, [key], [limit, "9007199254740000"])).toBe("taken 9007199254740000");
        expect(await store.run(limitedCounter, [key], [limit, "991"])).toBe("taken 9007199254740991");
        expect(await store.run(limitedCounter, [key], [limit, "1"])).toBe("refused 9007199254740991");
      });

      test("fields keep any text, a set replaces all fields, and a deleted record is none", async () => {
        const key = `{${fresh()}}echo`;
        expect(await store.run(echo, [key], ["get", "f"])).toBe("none");
        for (const [field, value] of [
          ["f", "9007199254740993"],
          ["ä 🙂", "漢\u0000字"],
          ["", ""],
          ["__proto__", "x"],
        ] as const) {
          await store.run(echo, [key], ["set", field, value]);
          expect(await store.run(echo, [key], ["get", field])).toBe(value);
        }
        expect(await store.run(echo, [key], ["get", "f"])).toBe("no field");
        await store.run(echo, [key], ["delete"]);
        expect(await store.run(echo, [key], ["get", "f"])).toBe("none");
      });

      test("a script's records are apart from those of collections", async () => {
        const collection = fresh();
        await store.put(collection, "k", 1);
        await store.run(echo, ["k"], ["set", "f", "x"]);
        expect(await store.get(collection, "k")).toMatchObject({ value: 1 });
        expect(await store.run(echo, ["k"], ["get", "f"])).toBe("x");
        await store.delete(collection, "k");
        expect(await store.run(echo, ["k"], ["get", "f"])).toBe("x");
      });

      test("keys that share no tag are refused, as a cluster would", async () => {
        await expect(store.run(transfer, ["a", "b"], ["1"])).rejects.toThrow(/\{tag\}/);
        await expect(store.run(transfer, ["{a}x", "{b}x"], ["1"])).rejects.toThrow(/\{tag\}/);
        await expect(store.run(transfer, [], ["1"])).rejects.toThrow(GatewayError);
      });

      test("a script reads the store's clock in milliseconds", async () => {
        const before = Number(await store.run(clockOf, ["clock"], []));
        await fixture.pass(50);
        const after = Number(await store.run(clockOf, ["clock"], []));
        expect(after - before).toBeGreaterThanOrEqual(50);
        expect(Number.isInteger(before)).toBe(true);
      });
    });

    describe("channels", () => {
      /** Resolves with the first `count` messages. */
      const collect = async (each: Store, channel: string, count: number) => {
        const messages: string[] = [];
        const { promise, resolve } = Promise.withResolvers<string[]>();
        const unsubscribe = await each.subscribe(channel, (message) => {
          messages.push(message);
          if (messages.length === count) resolve(messages);
        });
        return { promise, messages, unsubscribe };
      };

      test("every subscriber gets every message, in order and unharmed, and nothing of other channels", async () => {
        const [channel, other] = [fresh(), fresh()];
        const sent = ["1", "", "ä 🙂 \u0000", "x".repeat(100_000), "last"];
        const one = await collect(store, channel, sent.length);
        const two = await collect(fixture.second ?? store, channel, sent.length);
        await store.publish(other, "not for them");
        for (const message of sent) await store.publish(channel, message);
        expect(await one.promise).toEqual(sent);
        expect(await two.promise).toEqual(sent);
        await Promise.all([one.unsubscribe(), two.unsubscribe()]);
      });

      test("a store hears what it publishes and what another store on the same data publishes", async () => {
        const channel = fresh();
        const heard = await collect(store, channel, 2);
        await store.publish(channel, "own");
        await (fixture.second ?? store).publish(channel, "theirs");
        expect([...(await heard.promise)].sort()).toEqual(["own", "theirs"]);
        await heard.unsubscribe();
      });

      test("who has unsubscribed hears nothing more, twice is harmless, and the others hear on", async () => {
        const channel = fresh();
        const leaver = await collect(store, channel, 99);
        const stayer = await collect(store, channel, 1);
        await leaver.unsubscribe();
        await leaver.unsubscribe();
        await store.publish(channel, "after");
        expect(await stayer.promise).toEqual(["after"]);
        expect(leaver.messages).toEqual([]);
        await stayer.unsubscribe();
        const again = await collect(store, channel, 1);
        await store.publish(channel, "again");
        expect(await again.promise).toEqual(["again"]);
        expect(stayer.messages).toEqual(["after"]);
        await again.unsubscribe();
      });

      test("the same function subscribed twice hears twice and leaves one by one", async () => {
        const channel = fresh();
        const heard: string[] = [];
        const listener = (message: string) => void heard.push(message);
        const first = await store.subscribe(channel, listener);
        const second = await store.subscribe(channel, listener);
        const marker = await collect(store, channel, 1);
        await store.publish(channel, "a");
        await marker.promise;
        expect(heard).toEqual(["a", "a"]);
        await first();
        const next = await collect(store, channel, 1);
        await store.publish(channel, "b");
        await next.promise;
        expect(heard).toEqual(["a", "a", "b"]);
        await Promise.all([second(), marker.unsubscribe(), next.unsubscribe()]);
      });

      test("a subscriber that throws harms nobody", async () => {
        const channel = fresh();
        const bad = await store.subscribe(channel, () => {
          throw new Error("a broken subscriber");
        });
        const good = await collect(store, channel, 2);
        await store.publish(channel, "1");
        await store.publish(channel, "2");
        expect(await good.promise).toEqual(["1", "2"]);
        await Promise.all([bad(), good.unsubscribe()]);
      });

      test("publishing to nobody is fine", async () => {
        await expect(store.publish(fresh(), "into the void")).resolves.toBeUndefined();
      });
    });

    test("a closed store says so on every call, and closing it again is harmless", async () => {
      const other = await open();
      await other.store.put("closing", "k", 1);
      await other.store.close();
      await other.store.close();
      for (const call of [
        () => other.store.get("closing", "k"),
        () => other.store.put("closing", "k", 1),
        () => other.store.putMany("closing", [{ key: "k", value: 1 }]),
        () => other.store.delete("closing", "k"),
        () => other.store.list("closing", { limit: 1 }),
        () => other.store.find("closing", "a", "b", { limit: 1 }),
        () => other.store.trim("closing", 1),
        () => other.store.run(echo, ["k"], ["get", "f"]),
        () => other.store.publish("c", "m"),
        () => other.store.subscribe("c", () => {}),
      ]) {
        await expect(call()).rejects.toMatchObject({ kind: "state_unavailable" });
      }
      await other.close();
    });

    test("it says what survives what", () => {
      expect(store.durability.crashLoss).not.toBe("");
    });
  });
}
