import { expect, test } from "vitest";
import { toBlockChain } from "../../../src/inference/picker/block-chain.ts";
import { BlockTable } from "../../../src/inference/picker/block-table.ts";
import { PrefixIndex } from "../../../src/inference/picker/prefix-index.ts";
import { PrefixMemory } from "../../../src/inference/picker/prefix-memory.ts";

const blockTokens = 64;

/** A prompt of three blocks that shares nothing with another. */
function promptOf(number: number) {
  const bytes = new Uint8Array(3 * blockTokens * 4);
  new DataView(bytes.buffer).setUint32(0, number);
  return toBlockChain(bytes, 1);
}

function held(index: PrefixIndex, number: number): number {
  const matched = new Int32Array(2);
  index.match(promptOf(number), matched);
  return matched[number % 2]! / blockTokens;
}

const fill = (index: PrefixIndex, prompts: number) => {
  for (let number = 0; number < prompts; number++) index.record(number % 2, promptOf(number));
};

test("what all pools remember stays within its bound: those that were called the longest ago forget, and may learn again", () => {
  const limitBytes = 1_048_576;
  const memory = new PrefixMemory(limitBytes);
  const indexes = Array.from({ length: 20 }, () => new PrefixIndex({ memory }));
  for (const index of indexes) {
    fill(index, 500);
    expect(memory.bytes).toBeLessThanOrEqual(limitBytes);
  }
  const known = indexes.map((index) => held(index, 499) === 3);
  // The newest know theirs, and of those before them nobody does.
  expect(known.indexOf(true)).toBeGreaterThan(0);
  expect(known.slice(known.indexOf(true))).not.toContain(false);
  const [first] = indexes;
  expect(first!.size).toBe(0);
  fill(first!, 10);
  expect([held(first!, 0), held(first!, 9), held(first!, 499)]).toEqual([3, 3, 0]);
  expect(first!.size).toBe(30);
  first!.clear(0);
  expect([held(first!, 0), held(first!, 9)]).toEqual([0, 3]);
});

test("one that is called all the time keeps what it knows while others come and go", () => {
  const memory = new PrefixMemory(1_048_576);
  const busy = new PrefixIndex({ memory });
  fill(busy, 100);
  for (let round = 0; round < 30; round++) {
    fill(new PrefixIndex({ memory }), 400);
    busy.record(0, promptOf(0));
    expect(held(busy, 99)).toBe(3);
  }
});

test("of a pool that is gone nothing counts, even where it is told of another call", () => {
  const memory = new PrefixMemory();
  const indexes = Array.from({ length: 3 }, () => new PrefixIndex({ memory }));
  for (const index of indexes) fill(index, 300);
  const each = memory.bytes / 3;
  indexes[0]!.close();
  indexes[0]!.record(0, promptOf(1));
  expect(memory.bytes).toBe(each * 2);
  for (const index of indexes) index.close();
  expect(memory.bytes).toBe(0);
});

test("bytes are counted as tables grow, and of an endpoint that is gone no more", () => {
  const count = { bytes: 0 };
  const table = new BlockTable(count);
  for (let entry = 0; entry < 1_000; entry++) table.add(entry, entry);
  expect(table.bytes).toBeGreaterThan(32_000);
  expect(count.bytes).toBe(table.bytes);
  const memory = new PrefixMemory();
  const index = new PrefixIndex({ memory });
  fill(index, 20_000);
  const full = memory.bytes;
  // Hashes alone, of the blocks of each.
  expect(full).toBeGreaterThan(20_000 * 3 * 8);
  index.clear(0);
  index.record(1, promptOf(1));
  expect(memory.bytes).toBeLessThan(full - 10_000 * 32);
});
