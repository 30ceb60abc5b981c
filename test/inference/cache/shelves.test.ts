import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { silentLog } from "../../../src/core/log.ts";
import { createSharedShelves } from "../../../src/inference/cache/shelves.ts";
import { createMemoryStore } from "../../../src/state/memory.ts";
import { openRedisStore } from "../../../src/state/redis.ts";
import type { Store } from "../../../src/state/store.ts";
import { startRedis, type RedisServer } from "../../state/redis-server.ts";

let redis: RedisServer;
let stores: readonly Store[];
beforeAll(async () => {
  redis = await startRedis();
  const config = {
    kind: "redis",
    urls: [redis.url],
    cluster: false,
    prefix: "s:",
    timeoutMs: 2_000,
    ca: undefined,
  } as const;
  stores = [
    await openRedisStore(config, { log: silentLog }),
    createMemoryStore({ clock: systemClock, log: silentLog }),
  ];
});
afterAll(async () => {
  for (const store of stores) await store.close();
  await redis.stop();
});

test("shelves take turns in the same way on every store, and never hold more than they may", async () => {
  const runs: unknown[] = [];
  for (const store of stores) {
    const shelves = createSharedShelves(store, 1_000);
    /* Left by nobody knows whom. */
    for (const name of shelves.names) await store.put(name, "left", 500);
    const seen: unknown[] = [];
    for (let turn = 0; turn < 60; turn++) {
      const bytes = 40 + ((turn * 37) % 160);
      const name = await shelves.toPut(bytes);
      await store.put(name, `answer-${turn}`, bytes);
      const held = await Promise.all(
        shelves.names.map(async (each) => (await store.list<number>(each, { limit: 100 })).records),
      );
      const sums = held.map((records) => records.reduce((sum, { value }) => sum + value, 0));
      seen.push([name, sums]);
      const ours = held.flat().filter(({ key }) => key !== "left");
      expect(ours.reduce((sum, { value }) => sum + value, 0)).toBeLessThanOrEqual(1_000);
      expect(ours.map(({ key }) => key)).toContain(`answer-${turn}`);
    }
    runs.push(seen);
    expect(
      (await store.get(shelves.names[0]!, "left")) ?? (await store.get(shelves.names[1]!, "left")),
    ).toBeUndefined();
  }
  expect(runs[0]).toEqual(runs[1]);
});
