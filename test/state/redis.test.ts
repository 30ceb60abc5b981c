import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll } from "vitest";
import { silentLog } from "../../src/core/log.ts";
import { openRedisStore } from "../../src/state/redis.ts";
import { describeStore } from "../contract/store.contract.ts";
import type { RedisServer } from "./redis-server.ts";
import { startRedis } from "./redis-server.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

describeStore("a Redis server", async () => {
  // The timeout is that of a loaded test machine: the suite sends ten thousand calls at once.
  const openOne = () =>
    openRedisStore(
      { kind: "redis", urls: [server.url], cluster: false, prefix: "sallyport:", timeoutMs: 10_000, ca: undefined },
      { log: silentLog },
    );
  const [store, second] = await Promise.all([openOne(), openOne()]);
  return {
    store,
    second,
    pass: (ms) => sleep(ms),
    async close() {
      await Promise.all([store.close(), second.close()]);
    },
  };
});
