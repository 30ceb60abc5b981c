import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { silentLog } from "../../../src/core/log.ts";
import { createUpstream } from "../../../src/http/undici-upstream.ts";
import type { StoredEntry } from "../../../src/inference/cache/answer-cache.ts";
import { type Cache, createCache } from "../../../src/inference/cache/cache.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { createSqliteStore } from "../../../src/state/sqlite.ts";

const dir = mkdtempSync(join(tmpdir(), "sallyport-kept-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const HOUR_MS = 3_600_000;

/** One life of a gateway's cache beside a state file. */
async function live<T>(
  file: string,
  of: { size?: number; ttl?: number },
  work: (cache: Cache) => T | Promise<T>,
): Promise<T> {
  const deps = { clock: systemClock, log: silentLog };
  const store = createSqliteStore({ kind: "sqlite", file: join(dir, file), synchronous: "normal" }, deps);
  const config = { ttl: HOUR_MS, size: 67_108_864, entry: 1_048_576, share: "principal", wait: 0, ...of } as const;
  const upstream = createUpstream({ egress: { allow: [], connections: 1, connectTimeout: 1_000 } });
  const cache = createCache({ ...deps, config, meter: createMetrics().meter, upstream, store, deployment: "test" });
  try {
    await cache.loaded;
    return await work(cache);
  } finally {
    await cache.close();
    await upstream.close();
    await store.close();
  }
}

const entryOf = (key: string, tenant: string): StoredEntry => ({
  key,
  partition: { tenant, principal: "ada", permissions: "", model: "small", modelIdentity: "m", policyHash: "abc" },
  question: undefined,
  answer: {
    dialect: "openai",
    contentType: "application/json",
    bytes: Buffer.alloc(1_000, key),
    headers: {},
    candidate: "small",
    usage: undefined,
    costNanos: undefined,
    storedAtMs: Date.now(),
    expiresAtMs: Date.now() + HOUR_MS,
  },
});

/* In lives of so many that none is left out for want of time to write it. */
const AT_ONCE = 1_000;

async function fill(file: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE)
    await live(file, {}, (cache) => {
      for (let at = from; at < Math.min(count, from + AT_ONCE); at++)
        cache.keep(entryOf(`key-${at}`, at % 2 === 0 ? "even" : "odd"), undefined);
    });
}

test("however many are flushed, none of them comes back with the state file, and no other goes", async () => {
  await fill("many.db", 5_000);
  const left = await live("many.db", {}, async (cache) => {
    expect(cache.answers.count).toBe(5_000);
    expect(await cache.flush({ tenant: "even" })).toBe(2_500);
    return cache.answers.count;
  });
  expect(left).toBe(2_500);
  expect(await live("many.db", {}, (cache) => cache.answers.count)).toBe(2_500);
});

test("what had no room in memory is flushed from the state file, too", async () => {
  await fill("small.db", 20);
  await live("small.db", { size: 5_000 }, async (cache) => {
    expect(cache.answers.count).toBeLessThan(20);
    await cache.flush({});
  });
  expect(await live("small.db", {}, (cache) => cache.answers.count)).toBe(0);
});

test("an answer that was kept for longer than answers are kept now is forgotten in time", async () => {
  await fill("ttl.db", 1);
  const until = await live("ttl.db", { ttl: 60_000 }, (cache) => cache.answers.get("key-0", Date.now())?.answer);
  expect(until?.expiresAtMs).toBe((until?.storedAtMs ?? 0) + 60_000);
});
