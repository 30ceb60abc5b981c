import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startRedis, type RedisServer } from "../../state/redis-server.ts";
import { appendFlush } from "../../../src/inference/cache/flush-log.ts";
import { answerWith, type Caller } from "./recall-scene.ts";
import { answerOf, asking, openReplica, type Replica } from "./replicas-scene.ts";

let redis: RedisServer;
let client: Redis;
let open: Replica[] = [];
beforeAll(async () => {
  redis = await startRedis();
  client = new Redis(redis.url, { retryStrategy: () => 20 });
  client.on("error", () => {});
});
afterAll(async () => {
  client.disconnect();
  await redis.stop();
});
beforeEach(async () => void (await client.flushall()));
afterEach(async () => {
  for (const each of open) await each.close();
  open = [];
});

async function replica(config: object = {}): Promise<Replica> {
  const opened = await openReplica(redis.url, config);
  open.push(opened);
  return opened;
}

const SHELVES = ["cache-shared-0", "cache-shared-1"];
const recordKeys = async () => (await Promise.all(SHELVES.map((name) => client.keys(`*{${name}}:r:*`)))).flat();
async function kept(count: number): Promise<void> {
  await expect.poll(async () => (await recordKeys()).length).toBe(count);
}
const password = "How do I reset my password?";
const inOtherWords = "What is the password reset process?";
/** Whether an answer is there; none is made. */
const stored = ({ ask }: Replica, caller: Caller) =>
  ask({ ...caller, headers: { "cache-control": "only-if-cached" } }).catch(() => "none");
const lexical = { semantic: { embedder: "lexical" } };

test("an answer of one replica is given by the other, which then has it itself", async () => {
  const [a, b] = [await replica(), await replica()];
  expect(await a.ask(asking(password), "By mail")).toBe("miss");
  await kept(1);
  expect(await b.ask(asking(password))).toBe("hit");
  expect(b.scene.given[0]?.bytes.toString()).toBe(answerOf("By mail").toString());
  expect(await b.metric("cache_shared_reads_total", "found")).toBe(1);
  const before = Number(/cmdstat_hmget:calls=(\d+)/.exec(await client.info("commandstats"))?.[1]);
  expect(await b.ask(asking(password))).toBe("hit");
  expect(Number(/cmdstat_hmget:calls=(\d+)/.exec(await client.info("commandstats"))?.[1])).toBe(before);
});

test("equal calls at the same time are one read, and each is told that it was found", async () => {
  const [a, b] = [await replica({ wait: "10s" }), await replica({ wait: "10s" })];
  await a.ask(asking(password));
  await kept(1);
  const all = await Promise.all(Array.from({ length: 20 }, () => b.ask(asking(password))));
  expect(new Set(all)).toEqual(new Set(["hit"]));
  expect(await b.metric("cache_shared_reads_total")).toBe(1);
  expect(await b.metric("cache_lookups_total", "exact")).toBe(20);
});

test("the vector of an answer comes along with it: then the replica finds it in other words, too", async () => {
  const [a, b] = [await replica(lexical), await replica(lexical)];
  await a.ask(asking(password));
  await kept(1);
  expect(await stored(b, asking(inOtherWords))).toBe("none");
  expect(await b.ask(asking(password))).toBe("hit");
  expect(await stored(b, asking(inOtherWords))).toBe("hit");
  expect(await b.metric("cache_lookups_total", "semantic")).toBe(1);
});

test("no replica gives one tenant, principal, policy or model what another was answered", async () => {
  const [a, b] = [await replica({ share: "tenant" }), await replica({ share: "tenant" })];
  await a.ask(asking(password));
  await kept(1);
  for (const other of [
    { tenant: "globex" },
    { tenant: "" },
    { groups: ["staff"] },
    { policyHash: "other rules" },
    { body: { model: "large", messages: [{ role: "user", content: password }] } },
  ])
    expect(await b.ask(asking(password, other))).toBe("miss");
  expect(await b.ask(asking(password, { principal: "bob" }))).toBe("hit");
});

test("max-age holds for what another replica has kept, and what was made anew is given in its place", async () => {
  const [a, b] = [await replica(), await replica()];
  await a.ask(asking(password), "first");
  await kept(1);
  const young = asking(password, { headers: { "cache-control": "max-age=1" } });
  await expect.poll(() => b.ask(young, "second"), { timeout: 3_000, interval: 100 }).toBe("miss");
  await expect
    .poll(async () => {
      const c = await replica();
      await c.ask(asking(password));
      return c.scene.given[0]?.bytes.toString();
    })
    .toContain("second");
});

test("what is flushed on one replica is gone on all: in the state before it returns, in their memory promptly", async () => {
  const [a, b] = [await replica(lexical), await replica(lexical)];
  await a.ask(asking(password));
  await a.ask(asking(password, { tenant: "globex" }));
  await kept(2);
  for (const tenant of ["acme", "globex"]) expect(await b.ask(asking(password, { tenant }))).toBe("hit");
  expect(await a.cache.flush({ tenant: "acme" })).toBe(1);
  expect((await recordKeys()).length).toBe(1);
  await expect.poll(() => b.cache.answers.count).toBe(1);
  expect(await b.ask(asking(password, { tenant: "globex" }))).toBe("hit");
  for (const question of [inOtherWords, password]) expect(await stored(b, asking(question))).toBe("none");
});

test("a call under way on one replica when another flushes is not kept, here or there", async () => {
  const [a, b] = [await replica(), await replica()];
  await a.ask(asking("Anything?"));
  const caller = asking(password);
  const [under, unheard] = [await b.scene.recall(caller).recalled, await b.scene.recall(asking("Why?")).recalled];
  await a.cache.flush({ tenant: "acme" });
  await expect.poll(() => b.cache.answers.flushes).toBeGreaterThan(1);
  await answerWith(under!, answerOf("Old"), caller.body);
  expect(b.cache.answers.count).toBe(0);
  await answerWith(unheard!, answerOf("Old"), caller.body);
  await b.ask(asking("And then?"));
  await kept(1);
  expect(await a.ask(asking(password))).toBe("miss");
});

test("what was read before a flush, and arrives after the word of it, is not given and not kept", async () => {
  const [a, b] = [await replica(), await replica()];
  await a.ask(asking(password));
  await kept(1);
  await stored(b, asking("Before?"));
  const { get } = b.store;
  const arrived = Promise.withResolvers<void>();
  const heard = Promise.withResolvers<void>();
  /* The answers of Redis itself, held up on their way. */
  b.store.get = async <T>(collection: string, key: string) => {
    const record = await get<T>(collection, key);
    arrived.resolve();
    await heard.promise;
    return record;
  };
  const reading = stored(b, asking(password));
  await arrived.promise;
  const { flushes } = b.cache.answers;
  await a.cache.flush({ tenant: "acme" });
  await expect.poll(() => b.cache.answers.flushes).toBeGreaterThan(flushes);
  heard.resolve();
  expect(await reading).toBe("none");
  expect(b.cache.answers.count).toBe(0);
});

test("what a replica writes after a flush that it has not heard of is read by none", async () => {
  const [a, b, c] = [await replica(), await replica(), await replica()];
  const caller = asking(password);
  const under = await b.scene.recall(caller).recalled;
  /* All of a flush but the word of it. */
  await appendFlush(a.store, { tenant: "acme" });
  await answerWith(under!, answerOf("Old"), caller.body);
  await kept(1);
  for (const each of [a, c]) expect(await stored(each, caller)).toBe("none");
  expect(b.cache.answers.count).toBe(1);
  /* It hears of it with the next answer that it looks for. */
  await stored(b, asking("Another?"));
  expect(await stored(b, caller)).toBe("none");
});

test("a replica that messages may have missed forgets what it has", async () => {
  const b = await replica();
  await b.ask(asking(password));
  await kept(1);
  expect(b.cache.answers.count).toBe(1);
  await client.call("CLIENT", "KILL", "TYPE", "pubsub");
  await expect.poll(() => b.cache.answers.count).toBe(0);
  expect(await b.ask(asking(password))).toBe("hit");
});

test("with Redis down calls go on as misses, it is said once, and what is here is given", async () => {
  const b = await replica();
  await b.ask(asking(password));
  await redis.kill();
  try {
    expect(await b.ask(asking(password))).toBe("hit");
    for (const question of ["One?", "Two?", "Three?"]) expect(await b.ask(asking(question))).toBe("miss");
    expect(await b.ask(asking("Two?"))).toBe("hit");
    await expect(b.cache.flush({})).rejects.toMatchObject({ kind: "state_unavailable" });
    expect(b.warnings.filter((line) => line.includes("cannot be read"))).toHaveLength(1);
    expect(await b.metric("cache_shared_reads_total", "failed")).toBeGreaterThan(0);
  } finally {
    await redis.start();
  }
  const a = await replica();
  await expect
    .poll(
      async () => {
        await b.ask(asking("Back?", { headers: { "cache-control": "no-cache" } }));
        await b.ask(asking(`${Math.random()}`));
        return stored(a, asking("Back?"));
      },
      { timeout: 10_000, interval: 300 },
    )
    .toBe("hit");
}, 30_000);

test("with Redis late calls go on as misses, and share again when it is not", async () => {
  const [a, b] = [await replica(), await replica()];
  await a.ask(asking(password));
  await kept(1);
  await b.ask(asking("Before?"));
  redis.signal("SIGSTOP");
  try {
    for (const question of [password, "One?", "Two?"]) expect(await b.ask(asking(question))).toBe("miss");
    expect(await b.metric("cache_shared_reads_total", "failed")).toBe(1);
    expect(await b.metric("cache_shared_reads_total", "resting")).toBe(2);
  } finally {
    redis.signal("SIGCONT");
  }
  const c = await replica();
  await expect.poll(() => stored(c, asking(password)), { timeout: 10_000 }).toBe("hit");
}, 30_000);

test("a replica that starts while Redis is down shares when it is back", async () => {
  await redis.kill();
  const b = await replica();
  expect(await b.ask(asking(password))).toBe("miss");
  await redis.start();
  const a = await replica();
  await expect
    .poll(
      async () => {
        await b.ask(asking(`${Math.random()}`));
        await b.ask(asking("Back?"));
        return stored(a, asking("Back?"));
      },
      { timeout: 10_000, interval: 300 },
    )
    .toBe("hit");
  await a.cache.flush({});
  await expect.poll(() => b.cache.answers.count).toBe(0);
}, 30_000);

test("what one replica has no room for is still there for all", async () => {
  const [a, b, c] = [await replica({ size: "20KiB" }), await replica(), await replica()];
  await b.ask(asking(password));
  await kept(1);
  expect(await a.ask(asking(password))).toBe("hit");
  expect(a.cache.answers.count).toBe(1);
  /* So large that it leaves no room beside it, nor lies in the state. */
  await a.ask(asking("Large?"), "x".repeat(19_500));
  expect(a.cache.answers.count).toBe(1);
  for (const each of [a, c]) expect(await each.ask(asking(password))).toBe("hit");
});

test("the state holds no more than `size`, and what was kept last is there", async () => {
  const size = "256KiB";
  for (const from of [0, 300]) {
    const each = await openReplica(redis.url, { size });
    for (let turn = from; turn < from + 300; turn++) await each.ask(asking(`${turn}?`), `${turn} `.repeat(500));
    await each.close();
  }
  const keys = await client.keys("*cache-shared-*");
  const sizes = await Promise.all(keys.map((key) => client.memory("USAGE", key, "SAMPLES", 0)));
  expect(sizes.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0)).toBeLessThanOrEqual(262_144);
  expect((await recordKeys()).length).toBeGreaterThan(20);
  const c = await replica({ size });
  expect(await stored(c, asking("599?"))).toBe("hit");
  expect(await stored(c, asking("0?"))).toBe("none");
});

test("a record that lies under another call's key, or is none, is not given", async () => {
  const [a, b] = [await replica(lexical), await replica(lexical)];
  await a.ask(asking(password));
  await kept(1);
  const [mine = ""] = await recordKeys();
  await a.ask(asking(password, { tenant: "globex" }));
  await kept(2);
  const theirs = (await recordKeys()).find((key) => key !== mine) ?? "";
  const honest = JSON.parse((await client.hget(mine, "v")) ?? "") as Record<string, Record<string, unknown>>;
  const foreign = JSON.parse((await client.hget(theirs, "v")) ?? "") as Record<string, unknown>;
  const key = mine.slice(mine.lastIndexOf(":") + 1);
  const planted: readonly unknown[] = [
    foreign,
    { ...foreign, key },
    { ...honest, partition: { ...honest["partition"], principal: "bob" } },
    { ...honest, partition: { ...honest["partition"], policyHash: "other rules" } },
    { ...honest, partition: null },
    { ...honest, answer: { ...honest["answer"], bytes: 5 } },
    { ...honest, answer: { ...honest["answer"], dialect: "constructor" } },
    { ...honest, question: { ...honest["question"], text: "Another?" } },
    { ...honest, key: "another", question: null, vector: null },
    { ...honest, form: 1 },
    { ...honest, vector: "AAA=" },
    { ...honest, mark: "x" },
    [],
    null,
    7,
  ];
  for (const value of planted) {
    await client.hset(mine, "v", JSON.stringify(value));
    expect(await stored(b, asking(password))).toBe("none");
  }
  expect(await b.metric("cache_shared_reads_total", "refused")).toBe(planted.length);
  await client.hset(mine, "v", JSON.stringify(honest));
  expect(await b.ask(asking(password))).toBe("hit");
});
