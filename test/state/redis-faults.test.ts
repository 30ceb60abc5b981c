import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Log } from "../../src/core/log.ts";
import type { RedisStateConfig } from "../../src/state/config.ts";
import { openRedisStore } from "../../src/state/redis.ts";
import type { Store } from "../../src/state/store.ts";
import { limitedCounter } from "../contract/store/scripts-under-test.ts";
import { freePort } from "../free-port.ts";
import { startRedis, type RedisServer } from "./redis-server.ts";

const TIMEOUT_MS = 300;
/** Far beyond what failing fast needs, and far below what waiting for a dead server would take. */
const PATIENCE_MS = 5_000;

/** A log that keeps its lines. */
function createKeepingLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => {
    lines.push(
      `${level} ${message} ${JSON.stringify(fields, (_, value: unknown) => (value instanceof Error ? inspect(value, { depth: 20 }) : value))}`,
    );
  };
  const log = {
    lines,
    debug: keep("debug"),
    info: keep("info"),
    warn: keep("warn"),
    error: keep("error"),
    child: () => log,
  };
  return log;
}

const within = async <T>(call: Promise<T>): Promise<T> => {
  const timer = new AbortController();
  try {
    return await Promise.race([
      call,
      sleep(PATIENCE_MS, undefined, { signal: timer.signal }).then(() => {
        throw new Error("the call neither answered nor failed");
      }),
    ]);
  } finally {
    timer.abort();
  }
};

const unavailable = { kind: "state_unavailable" };

describe("a Redis store in trouble", () => {
  let server: RedisServer;
  let store: Store;
  let log: ReturnType<typeof createKeepingLog>;
  const open: Store[] = [];
  const clients: Redis[] = [];

  const config = (changes: Partial<RedisStateConfig> = {}): RedisStateConfig => ({
    kind: "redis",
    urls: [server.url],
    cluster: false,
    prefix: "sallyport:",
    timeoutMs: TIMEOUT_MS,
    ca: undefined,
    ...changes,
  });
  async function openOne(changes: Partial<RedisStateConfig> = {}): Promise<Store> {
    const opened = await openRedisStore(config(changes), { log });
    open.push(opened);
    return opened;
  }
  function client(): Redis {
    const opened = new Redis(server.url, { retryStrategy: () => null });
    opened.on("error", () => {});
    clients.push(opened);
    return opened;
  }
  /** Waits until the store answers again. */
  async function recovered(each: Store): Promise<void> {
    for (;;) {
      try {
        await each.get("probe", "k");
        return;
      } catch {
        await sleep(20);
      }
    }
  }

  beforeEach(async () => {
    log = createKeepingLog();
    server = await startRedis();
    store = await openOne();
  });
  afterEach(async () => {
    for (const each of clients.splice(0)) each.disconnect();
    await Promise.all(open.splice(0).map((each) => each.close()));
    await server.stop();
  });

  test("every call fails at once while the server is down, and works again when it is back, scripts too", async () => {
    await store.put("c", "k", 1);
    await store.run(limitedCounter, ["{t}a"], ["5", "1"]);
    await server.kill();
    for (const call of [
      () => store.get("c", "k"),
      () => store.put("c", "k", 2),
      () => store.putMany("c", [{ key: "k", value: 2 }]),
      () => store.delete("c", "k"),
      () => store.list("c", { limit: 1 }),
      () => store.find("c", "i", "v", { limit: 1 }),
      () => store.trim("c", 0),
      () => store.run(limitedCounter, ["{t}a"], ["5", "1"]),
      () => store.publish("ch", "m"),
      () => store.subscribe("ch", () => {}),
    ]) {
      await expect(within<unknown>(call())).rejects.toMatchObject(unavailable);
    }
    await server.start();
    await recovered(store);
    // The new process knows none of the scripts.
    expect(await store.put("c", "k", 3)).toBe(1);
    expect(await store.run(limitedCounter, ["{t}a"], ["5", "1"])).toBe("taken 1");
    expect(log.lines.filter((line) => line.startsWith("error"))).not.toHaveLength(0);
    expect(log.lines.some((line) => line.includes("answers again"))).toBe(true);
  });

  test("calls under way when the server dies fail, and are not sent again", async () => {
    await store.run(limitedCounter, ["{t}a"], ["1000", "1"]);
    server.signal("SIGSTOP");
    const calls = Array.from({ length: 50 }, () => store.run(limitedCounter, ["{t}a"], ["1000", "1"]));
    const outcomes = Promise.allSettled(calls);
    await server.kill();
    for (const outcome of await within(outcomes))
      expect(outcome).toMatchObject({ status: "rejected", reason: unavailable });
    await server.start();
    await recovered(store);
    expect(await store.run(limitedCounter, ["{t}a"], ["1000", "1"])).toBe("taken 1");
  });

  test("a server that hangs fails calls within the timeout, then at once, and is used again when it wakes", async () => {
    await store.put("c", "k", 1);
    server.signal("SIGSTOP");
    const outcomes = await within(Promise.allSettled(Array.from({ length: 100 }, () => store.get("c", "k"))));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: "rejected", reason: unavailable });
    for (let round = 0; round < 20; round += 1) {
      await expect(within(store.get("c", "k"))).rejects.toMatchObject(unavailable);
      await sleep(20);
    }
    server.signal("SIGCONT");
    await recovered(store);
    expect(await store.get("c", "k")).toMatchObject({ value: 1 });
  });

  test("a store opened while the server is down or hangs works as soon as it can", async () => {
    server.signal("SIGSTOP");
    const late = await within(openOne());
    await expect(within(late.get("c", "k"))).rejects.toMatchObject(unavailable);
    await server.kill();
    const later = await within(openOne());
    await expect(within(later.get("c", "k"))).rejects.toMatchObject(unavailable);
    await server.start();
    await Promise.all([recovered(late), recovered(later)]);
    expect(await late.put("c", "k", 1)).toBe(1);
  });

  test("SCRIPT FLUSH goes unnoticed", async () => {
    await store.run(limitedCounter, ["{t}a"], ["1000", "1"]);
    await client().script("FLUSH");
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, () => store.run(limitedCounter, ["{t}a"], ["1000", "1"])),
    );
    expect(new Set(outcomes).size).toBe(100);
    expect(await store.put("c", "k", 1)).toBe(1);
  });

  test("a primary that became a replica refuses writes as unavailable until it is primary again", async () => {
    const admin = client();
    await store.put("c", "k", 1);
    await admin.replicaof("127.0.0.1", String(await freePort()));
    await expect(within(store.put("c", "k", 2))).rejects.toMatchObject(unavailable);
    await expect(within(store.run(limitedCounter, ["{t}a"], ["5", "1"]))).rejects.toMatchObject(unavailable);
    await admin.replicaof("NO", "ONE");
    await recovered(store);
    expect(await store.put("c", "k", 3)).toBe(2);
  });

  test("a full server refuses writes as unavailable and goes on reading", async () => {
    const admin = client();
    await store.put("c", "k", 1);
    await admin.config("SET", "maxmemory", "1");
    await expect(within(store.put("c", "k", 2))).rejects.toMatchObject(unavailable);
    expect(await store.get("c", "k")).toMatchObject({ value: 1, version: 1 });
    await admin.config("SET", "maxmemory", "0");
    expect(await store.put("c", "k", 3)).toBe(2);
  });

  test("a mistake in a script is our own failure, not the server's", async () => {
    await expect(
      store.run({ name: "broken", lua: "return nothing.there", run: () => "" }, ["{t}a"], []),
    ).rejects.toMatchObject({ kind: "internal" });
    await expect(
      store.run({ name: "unreadable", lua: "this is not Lua", run: () => "" }, ["{t}a"], []),
    ).rejects.toMatchObject({ kind: "internal" });
  });

  test("subscriptions go on after the server was away, and say that messages may have been missed", async () => {
    const heard: string[] = [];
    let gaps = 0;
    const unsubscribe = await store.subscribe(
      "ch",
      (message) => void heard.push(message),
      () => gaps++,
    );
    await store.publish("ch", "before");
    while (heard.length === 0) await sleep(5);
    const gapsBefore = gaps;
    await server.kill();
    await server.start();
    await recovered(store);
    while (!heard.includes("after")) {
      await store.publish("ch", "after");
      await sleep(20);
    }
    expect(heard[0]).toBe("before");
    expect(gaps).toBeGreaterThan(gapsBefore);
    await unsubscribe();
    const other = await store.subscribe("other", () => {});
    await other();
  });

  test("a burst beyond what may wait fails at once instead of filling memory", async () => {
    // The connection's own questions have been answered when this has.
    await store.get("c", "k");
    server.signal("SIGSTOP");
    const outcomes = await within(Promise.allSettled(Array.from({ length: 15_000 }, () => store.get("c", "k"))));
    expect(
      outcomes.filter((outcome) => outcome.status === "rejected" && /keep up/.test(String(outcome.reason))),
    ).toHaveLength(5_000);
    server.signal("SIGCONT");
    await recovered(store);
  });

  test("refused credentials end the opening with a clear error; the password is in no message, log line or cause", async () => {
    await client().config("SET", "requirepass", "right-password");
    const url = new URL(server.url);
    url.password = "wrong-password";
    const refused = await openRedisStore(config({ urls: [url.href] }), { log }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ kind: "state_unavailable", message: expect.stringContaining("credentials") });
    await expect(openRedisStore(config(), { log })).rejects.toMatchObject({
      message: expect.stringContaining("credentials"),
    });
    url.password = "right-password";
    const allowed = await openOne({ urls: [url.href] });
    expect(await allowed.put("c", "k", 1)).toBe(1);
    expect(`${inspect(refused, { depth: 20 })} ${log.lines.join("\n")}`).not.toMatch(/wrong-password|right-password/);
  });

  test("it warns of a server that may evict", async () => {
    await client().config("SET", "maxmemory-policy", "allkeys-lru");
    await openOne();
    await within(
      (async () => {
        while (!log.lines.some((line) => line.startsWith("warn"))) await sleep(10);
      })(),
    );
    expect(log.lines.join()).toContain("maxmemory-policy noeviction");
  });

  test("prefixes part two gateways on one server", async () => {
    const other = await openOne({ prefix: "other:" });
    await store.put("c", "k", 1);
    expect(await other.get("c", "k")).toBeUndefined();
    expect(await other.run(limitedCounter, ["{t}a"], ["5", "1"])).toBe("taken 1");
    expect(await store.run(limitedCounter, ["{t}a"], ["5", "1"])).toBe("taken 1");
    const heard: string[] = [];
    const unsubscribe = await other.subscribe("ch", (message) => void heard.push(message));
    await store.publish("ch", "not theirs");
    await other.publish("ch", "theirs");
    while (heard.length === 0) await sleep(10);
    expect(heard).toEqual(["theirs"]);
    await unsubscribe();
    expect((await client().keys("*")).every((key) => /^(?:sallyport|other):/.test(key))).toBe(true);
  });

  test("expired records leave nothing behind once others are written", async () => {
    await store.putMany(
      "c",
      Array.from({ length: 300 }, (_, n) => ({
        key: `gone-${n}`,
        value: n,
        ttlMs: 100,
        indexes: { owner: `o-${n}`, all: "1" },
      })),
    );
    await sleep(150);
    for (let n = 0; n < 40; n += 1) await store.put("c", "stays", n, { indexes: { all: "1" } });
    const redis = client();
    expect((await redis.keys("*")).sort()).toEqual([
      "sallyport:{c}:a",
      "sallyport:{c}:i:all:1",
      "sallyport:{c}:m",
      "sallyport:{c}:r:stays",
    ]);
    expect(await redis.zrange("sallyport:{c}:a", "0", "-1")).toEqual(["stays"]);
    await store.delete("c", "stays");
    expect(await redis.dbsize()).toBe(0);
  });
});
