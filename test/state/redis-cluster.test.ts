import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog } from "../../src/core/log.ts";
import { openRedisStore } from "../../src/state/redis.ts";
import { describeStore } from "../contract/store.contract.ts";
import type { RedisServer } from "./redis-server.ts";
import { startRedis } from "./redis-server.ts";

const nodes: RedisServer[] = [];

/** Two primaries that share the slots, so that a script over keys of two slots fails, and many calls are redirected. */
beforeAll(async () => {
  for (let count = 0; count < 2; count += 1)
    nodes.push(await startRedis("--cluster-enabled", "yes", "--cluster-node-timeout", "5000"));
  const clients = nodes.map((node) => new Redis(node.url));
  const [first, second] = clients as [Redis, Redis];
  await first.call("CLUSTER", "ADDSLOTSRANGE", 0, 8_191);
  await second.call("CLUSTER", "ADDSLOTSRANGE", 8_192, 16_383);
  // Two nodes that take the same epoch would otherwise have to settle it first.
  await second.call("CLUSTER", "SET-CONFIG-EPOCH", 2);
  await first.call("CLUSTER", "MEET", "127.0.0.1", (nodes[1] as RedisServer).port);
  for (const client of clients) {
    while (!/cluster_state:ok[^]*cluster_known_nodes:2/.test(String(await client.call("CLUSTER", "INFO"))))
      await sleep(50);
    client.disconnect();
  }
}, 30_000);
afterAll(() => Promise.all(nodes.map((node) => node.stop())));

const openCluster = () =>
  openRedisStore(
    {
      kind: "redis",
      urls: nodes.map((node) => node.url),
      cluster: true,
      prefix: "sallyport:",
      timeoutMs: 10_000,
      ca: undefined,
    },
    { log: silentLog },
  );

describeStore("a Redis Cluster of two nodes", async () => {
  const [store, second] = await Promise.all([openCluster(), openCluster()]);
  return {
    store,
    second,
    pass: (ms) => sleep(ms),
    async close() {
      await Promise.all([store.close(), second.close()]);
    },
  };
});

test("collections are spread over both nodes, and each stays whole on one", async () => {
  const store = await openCluster();
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
    nodes.map(async (node) => {
      const client = new Redis(node.url);
      const keys = await client.keys("sallyport:{spread-*");
      client.disconnect();
      return new Set(keys.map((key) => /\{(.*?)\}/.exec(key)?.[1]));
    }),
  );
  const [one, two] = held as [Set<string>, Set<string>];
  expect(one.size).toBeGreaterThan(0);
  expect(two.size).toBeGreaterThan(0);
  expect(one.size + two.size).toBe(40);
  expect([...one].filter((collection) => two.has(collection))).toEqual([]);
});
