import { expect, test } from "vitest";
import {
  AnswerCache,
  type Partition,
  type StoredAnswer,
  type StoredEntry,
} from "../../../src/inference/cache/answer-cache.ts";

const partition: Partition = {
  tenant: "a",
  principal: "ada",
  permissions: "",
  model: "small",
  modelIdentity: "m",
  policyHash: "abcdef",
};

const entry = (
  key: string,
  text: string,
  of: Partial<StoredAnswer> = {},
  where: Partial<Partition> = {},
): StoredEntry => ({
  key,
  partition: { ...partition, ...where },
  question: undefined,
  answer: {
    dialect: "openai",
    contentType: "application/json",
    bytes: Buffer.from(text),
    headers: {},
    candidate: "small",
    usage: undefined,
    costNanos: undefined,
    storedAtMs: 0,
    expiresAtMs: 1_000,
    ...of,
  },
});

function createCache(limitBytes = 10_000) {
  const removed: string[] = [];
  const onRemoved = ({ key }: StoredEntry) => void removed.push(key);
  return {
    cache: new AnswerCache({ limitBytes, answerLimitBytes: 2_000, onRemoved }),
    removed,
  };
}

test("an answer is found until it expires, and then takes no room", () => {
  const { cache, removed } = createCache();
  cache.set(entry("k", "yes"), 0);
  expect(cache.get("k", 999)?.answer.bytes.toString()).toBe("yes");
  expect(cache.get("k", 1_000)).toBeUndefined();
  expect([cache.count, cache.sizeBytes]).toEqual([0, 0]);
  expect(removed).toEqual(["k"]);
});

test("what has expired and is never asked for again goes as well", () => {
  const { cache, removed } = createCache();
  for (let count = 0; count < 5; count++) cache.set(entry(`k${count}`, "yes"), 0);
  cache.set(entry("new", "yes", { expiresAtMs: 200_000 }), 100_000);
  expect(cache.count).toBe(1);
  expect(removed).toHaveLength(5);
});

test("who wants a younger answer does not get it, and the next one still does", () => {
  const { cache } = createCache();
  cache.set(entry("k", "yes", { storedAtMs: 100, expiresAtMs: 10_000 }), 100);
  expect(cache.get("k", 700, 500)).toBeUndefined();
  expect(cache.get("k", 700)).toBeDefined();
});

test("what is not asked for the longest goes first, and the limit always holds", () => {
  const { cache } = createCache(3_000);
  for (let count = 0; count < 50; count++) {
    cache.set(entry(`k${count}`, "x".repeat(400)), 0);
    cache.get("k0", 0);
    expect(cache.sizeBytes).toBeLessThanOrEqual(3_000);
  }
  expect(cache.get("k0", 0)).toBeDefined();
  expect(cache.get("k1", 0)).toBeUndefined();
  expect(cache.get("k49", 0)).toBeDefined();
});

test("a question and its vector are counted too", () => {
  const { cache } = createCache();
  cache.set(entry("plain", "yes"), 0);
  const plain = cache.sizeBytes;
  cache.set({ ...entry("asked", "yes"), question: { text: "How?", fingerprint: "f" } }, 0, 2_000);
  expect(cache.sizeBytes - plain).toBeGreaterThan(plain + 2_000);
});

test("an answer that is too large is not kept, and takes nothing away", () => {
  const { cache } = createCache();
  cache.set(entry("small", "yes"), 0);
  expect(cache.set(entry("large", "x".repeat(2_001)), 0)).toBe(false);
  expect(cache.count).toBe(1);
});

test("a flush takes what meets all of its conditions", () => {
  const { cache, removed } = createCache();
  cache.set(entry("1", "1"), 0);
  cache.set(entry("2", "2", {}, { tenant: "b" }), 0);
  cache.set(entry("3", "3", {}, { model: "large" }), 0);
  cache.set(entry("4", "4", {}, { policyHash: "123456" }), 0);
  expect(cache.flush({ tenant: "a", model: "small", policyHash: "abc" })).toHaveLength(1);
  expect(cache.get("1", 0)).toBeUndefined();
  expect(cache.flush({ policyHash: "123" })).toHaveLength(1);
  expect(cache.flush({})).toHaveLength(2);
  expect(cache.sizeBytes).toBe(0);
  expect(removed.toSorted()).toEqual(["1", "2", "3", "4"]);
});
