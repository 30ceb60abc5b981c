import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { VectorStore } from "../../src/inference/cache/vectors/vector-store.ts";

/** A store to test: for vectors of `DIMENSIONS`, with room for 1,000 at least. */
export interface VectorsFixture {
  readonly vectors: VectorStore;
  /** The time that the store goes by. */
  nowMs(): number;
  pass(ms: number): void;
  close(): Promise<void>;
}

export const DIMENSIONS = 8;

/** A vector of unit length at an angle, in the plane of the first two axes. */
const at = (degrees: number): Float32Array => {
  const vector = new Float32Array(DIMENSIONS);
  vector[0] = Math.cos((degrees * Math.PI) / 180);
  vector[1] = Math.sin((degrees * Math.PI) / 180);
  return vector;
};

/** The contract of `VectorStore`, run on one implementation. */
export function describeVectors(name: string, open: () => Promise<VectorsFixture>): void {
  describe(`vectors contract on ${name}`, () => {
    let fixture: VectorsFixture;
    let serial = 0;
    const fresh = () => `partition-${(serial += 1)}`;
    const put = (partition: string, id: string, degrees: number, ttlMs = 60_000) =>
      fixture.vectors.put(partition, { id, vector: at(degrees), expiresAtMs: fixture.nowMs() + ttlMs });
    const idsNear = async (partition: string, degrees: number, { least = 0.9, most = 10 } = {}) =>
      (await fixture.vectors.search(partition, at(degrees), { least, most })).map(({ id }) => id);

    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture.close();
    });

    test("finds what is near enough, the nearest first, with its cosine", async () => {
      const partition = fresh();
      await put(partition, "far", 80);
      await put(partition, "near", 20);
      await put(partition, "nearest", 5);
      const found = await fixture.vectors.search(partition, at(0), { least: 0.9, most: 10 });
      expect(found.map(({ id }) => id)).toEqual(["nearest", "near"]);
      expect(found[0]?.score).toBeCloseTo(Math.cos((5 * Math.PI) / 180), 4);
    });

    test("gives no more than asked for", async () => {
      const partition = fresh();
      for (const degrees of [1, 2, 3]) await put(partition, `at-${degrees}`, degrees);
      expect(await idsNear(partition, 0, { most: 2 })).toEqual(["at-1", "at-2"]);
    });

    test("finds nothing of another partition, however its name begins", async () => {
      const partition = fresh();
      await put(partition, "mine", 0);
      expect(await idsNear(`${partition}0`, 0)).toEqual([]);
      expect(await idsNear(partition.slice(0, -1), 0)).toEqual([]);
      expect(await idsNear("", 0)).toEqual([]);
    });

    test("keeps the same id apart in two partitions", async () => {
      const [one, other] = [fresh(), fresh()];
      await put(one, "same", 0);
      await put(other, "same", 90);
      await fixture.vectors.remove(one, "same");
      expect(await idsNear(other, 90)).toEqual(["same"]);
      expect(await idsNear(one, 0)).toEqual([]);
    });

    test("replaces an entry that is put again", async () => {
      const partition = fresh();
      await put(partition, "moved", 0);
      await put(partition, "moved", 90);
      expect(await idsNear(partition, 0)).toEqual([]);
      expect(await idsNear(partition, 90)).toEqual(["moved"]);
    });

    test("removes a partition and nothing else; removing what is not there is no error", async () => {
      const [gone, kept] = [fresh(), fresh()];
      await put(gone, "a", 0);
      await put(gone, "b", 1);
      await put(kept, "a", 0);
      await fixture.vectors.removePartition(gone);
      await fixture.vectors.removePartition(gone);
      await fixture.vectors.remove(gone, "a");
      expect(await idsNear(gone, 0)).toEqual([]);
      expect(await idsNear(kept, 0)).toEqual(["a"]);
    });

    test("finds nothing that has expired", async () => {
      const partition = fresh();
      await put(partition, "short", 0, 1_000);
      await put(partition, "long", 1, 60_000);
      fixture.pass(1_000);
      expect(await idsNear(partition, 0)).toEqual(["long"]);
    });

    test("finds the right entries after many were put and removed", async () => {
      const partition = fresh();
      for (let degrees = 0; degrees < 360; degrees++) await put(partition, `at-${degrees}`, degrees);
      for (let degrees = 0; degrees < 360; degrees++)
        if (degrees % 10) await fixture.vectors.remove(partition, `at-${degrees}`);
      for (let degrees = 0; degrees < 360; degrees += 10)
        expect(await idsNear(partition, degrees, { most: 1 })).toEqual([`at-${degrees}`]);
      expect(await idsNear(partition, 5, { least: 0.998 })).toEqual([]);
    });
  });
}
