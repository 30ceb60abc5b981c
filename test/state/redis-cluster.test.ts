import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog } from "../../src/core/log.ts";
import { openRedisStore } from "../../src/state/redis.ts";
import { describeStore } from "../contract/store.contract.ts";
import { type RedisCluster, startRedisCluster } from "./redis-cluster.ts";
import type { RedisServer } from "./redis-server.ts";

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster(3);
}, 30_000);
afterAll(() => cluster.stop());

describeStore("a Redis Cluster of three nodes", async () => {
  const [store, second] = await Promise.all([cluster.open(), cluster.open()]);
  return {
    store,
    second,
    pass: (ms) => sleep(ms),
    async close() {
      await Promise.all([store.close(), second.close()]);
    },
  };
});

test("collections are spread over all nodes, and each stays whole on one", async () => {
  const store = await cluster.open();
  await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      store.putMany(
        `spread-${n}`,
        Array.from({ length: 5 }, (__, key) => ({ key: `k${key}`, value: 1, indexes: { i: `${key}` } })),
      ),
    ),
  );
  await store.close();
  const held = await Promise.all(
    cluster.nodes.map(async (node) => {
      const client = new Redis(node.url);
      const keys = await client.keys("sallyport:{spread-*");
      client.disconnect();
      return new Set(keys.map((key) => /\{(.*?)\}/.exec(key)?.[1]));
    }),
  );
  for (const collections of held) expect(collections.size).toBeGreaterThan(0);
  expect(held.reduce((sum, { size }) => sum + size, 0)).toBe(40);
  expect(new Set(held.flatMap((collections) => [...collections])).size).toBe(40);
});

test("a node of a cluster is refused at the start by whoever does not say that it is one", async () => {
  const [{ url }] = cluster.nodes as [RedisServer];
  const config = {
    kind: "redis",
    urls: [url],
    cluster: false,
    prefix: "sallyport:",
    timeoutMs: 10_000,
    ca: undefined,
  } as const;
  await expect(openRedisStore(config, { log: silentLog })).rejects.toThrow("cluster: true");
});
