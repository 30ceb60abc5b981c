import { beforeAll, describe, expect, test } from "vitest";
import { GatewayError } from "../../../src/core/errors.ts";
import type { Store } from "../../../src/state/store.ts";
import type { Subject } from "./fixture.ts";
import { clockOf, echo, limitedCounter, transfer } from "./scripts-under-test.ts";

export function describeScripts(subject: Subject): void {
  describe("scripts", () => {
    let store: Store;
    beforeAll(() => {
      store = subject.store();
    });

    test("ten thousand concurrent takers of a limit of 1,234 get exactly 1,234", { timeout: 30_000 }, async () => {
      const key = `{${subject.fresh()}}limit`;
      const stores = [store, subject.fixture().second ?? store];
      const outcomes = await Promise.all(
        Array.from({ length: 10_000 }, (_, n) => (stores[n % 2] as Store).run(limitedCounter, [key], ["1234", "1"])),
      );
      expect(outcomes.filter((outcome) => outcome.startsWith("taken"))).toHaveLength(1_234);
      expect(outcomes.filter((outcome) => outcome === "refused 1234")).toHaveLength(10_000 - 1_234);
      expect(new Set(outcomes).size).toBe(1_235);
    });

    test("a script over two records changes both or neither", async () => {
      const tag = `{${subject.fresh()}}`;
      const [a, b] = [`${tag}a`, `${tag}b`];
      expect(await store.run(transfer, [a, b], ["1"])).toBe("short");
      expect(await store.run(transfer, [a, b], ["-50"])).toBe("moved");
      expect(await store.run(transfer, [a, b], ["51"])).toBe("short");
      const outcomes = await Promise.all(Array.from({ length: 100 }, () => store.run(transfer, [a, b], ["1"])));
      expect(outcomes.filter((outcome) => outcome === "moved")).toHaveLength(50);
    });

    test("numbers beyond 2^31 and up to 2^53 come out the same in both forms", async () => {
      const key = `{${subject.fresh()}}big`;
      const limit = String(Number.MAX_SAFE_INTEGER);
      expect(await store.run(limitedCounter, [key], [limit, "9007199254740000"])).toBe("taken 9007199254740000");
      expect(await store.run(limitedCounter, [key], [limit, "991"])).toBe("taken 9007199254740991");
      expect(await store.run(limitedCounter, [key], [limit, "1"])).toBe("refused 9007199254740991");
    });

    test("fields keep any text, a set replaces all fields, and a deleted record is none", async () => {
      const key = `{${subject.fresh()}}echo`;
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
      const collection = subject.fresh();
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
      await subject.fixture().pass(50);
      const after = Number(await store.run(clockOf, ["clock"], []));
      expect(after - before).toBeGreaterThanOrEqual(50);
      expect(Number.isInteger(before)).toBe(true);
    });
  });
}
