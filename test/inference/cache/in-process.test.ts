import { expect, test } from "vitest";
import { createInProcessVectors } from "../../../src/inference/cache/vectors/in-process.ts";
import { describeVectors, DIMENSIONS } from "../../contract/vectors.contract.ts";
import { createTestClock } from "../../state/test-clock.ts";

describeVectors("memory of the process", async () => {
  const clock = createTestClock();
  const vectors = createInProcessVectors({ maxEntries: 1_000, clock });
  return { vectors, nowMs: clock.now, pass: clock.pass, close: vectors.close };
});

const axis = (index: number) => Float32Array.from({ length: DIMENSIONS }, (_, at) => (at === index ? 1 : 0));

function open(maxEntries: number) {
  const vectors = createInProcessVectors({ maxEntries, clock: createTestClock() });
  const put = (partition: string, index: number) =>
    vectors.put(partition, { id: `${index}`, vector: axis(index), expiresAtMs: Number.MAX_SAFE_INTEGER });
  const has = async (partition: string, index: number) =>
    (await vectors.search(partition, axis(index), { least: 0.9, most: 1 })).length === 1;
  return { vectors, put, has };
}

test("a full store gives up the oldest entry of the partition used longest ago", async () => {
  const { put, has } = open(3);
  await put("a", 0);
  await put("a", 1);
  await put("b", 0);
  await put("b", 1);
  expect([await has("b", 0), await has("b", 1), await has("a", 1), await has("a", 0)]).toEqual([
    true,
    true,
    true,
    false,
  ]);
  await put("c", 0);
  expect([await has("a", 1), await has("b", 0), await has("b", 1)]).toEqual([true, false, true]);
});

test("one partition alone fills the store and replaces its own oldest", async () => {
  const { put, has } = open(2);
  for (const index of [0, 1, 2]) await put("a", index);
  expect([await has("a", 0), await has("a", 1), await has("a", 2)]).toEqual([false, true, true]);
});

test("a vector of other dimensions is of another embedder, and the store begins anew", async () => {
  const { vectors, put, has } = open(2);
  await put("a", 0);
  expect(await vectors.search("a", new Float32Array(3), { least: 0.1, most: 1 })).toEqual([]);
  expect(await has("a", 0)).toBe(true);
  await vectors.put("a", { id: "other", vector: Float32Array.of(1, 0, 0), expiresAtMs: Number.MAX_SAFE_INTEGER });
  expect(await has("a", 0)).toBe(false);
  expect(await vectors.search("a", Float32Array.of(1, 0, 0), { least: 0.1, most: 1 })).toHaveLength(1);
});
