import { expect, test } from "vitest";
import { AnswerCache, type Partition, type StoredAnswer } from "../../../src/inference/cache/answer-cache.ts";

const partition: Partition = { tenant: "a", principal: "ada", model: "small", policyHash: "1" };

const answer = (text: string, storedAtMs = 0): StoredAnswer => ({
  dialect: "openai",
  contentType: "application/json",
  bytes: Buffer.from(text),
  candidate: "small",
  usage: undefined,
  costNanos: undefined,
  storedAtMs,
});

const createCache = (limitBytes = 10_000) => new AnswerCache({ limitBytes, answerLimitBytes: 2_000 });

test("an answer is found until it expires, and then takes no room", () => {
  const cache = createCache();
  cache.set("k", partition, answer("yes"), 1_000);
  expect(cache.get("k", 999)?.bytes.toString()).toBe("yes");
  expect(cache.get("k", 1_000)).toBeUndefined();
  expect([cache.count, cache.sizeBytes]).toEqual([0, 0]);
});

test("who wants a younger answer does not get it, and the next one still does", () => {
  const cache = createCache();
  cache.set("k", partition, answer("yes", 100), 10_000);
  expect(cache.get("k", 700, 500)).toBeUndefined();
  expect(cache.get("k", 700)).toBeDefined();
});

test("what is not asked for the longest goes first, and the limit always holds", () => {
  const cache = createCache(3_000);
  for (let count = 0; count < 50; count++) {
    cache.set(`k${count}`, partition, answer("x".repeat(400)), 1_000);
    cache.get("k0", 0);
    expect(cache.sizeBytes).toBeLessThanOrEqual(3_000);
  }
  expect(cache.get("k0", 0)).toBeDefined();
  expect(cache.get("k1", 0)).toBeUndefined();
  expect(cache.get("k49", 0)).toBeDefined();
});

test("an answer that is too large is not kept, and takes nothing away", () => {
  const cache = createCache();
  cache.set("small", partition, answer("yes"), 1_000);
  expect(cache.set("large", partition, answer("x".repeat(2_001)), 1_000)).toBe(false);
  expect(cache.count).toBe(1);
});

test("a flush takes what meets all of its conditions", () => {
  const cache = createCache();
  cache.set("1", partition, answer("1"), 1_000);
  cache.set("2", { ...partition, tenant: "b" }, answer("2"), 1_000);
  cache.set("3", { ...partition, model: "large" }, answer("3"), 1_000);
  expect(cache.flush({ tenant: "a", model: "small" })).toBe(1);
  expect(cache.get("1", 0)).toBeUndefined();
  expect(cache.flush({})).toBe(2);
  expect(cache.sizeBytes).toBe(0);
});
