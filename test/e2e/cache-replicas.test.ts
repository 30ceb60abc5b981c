import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startSimulator } from "../../models/simulator/simulator.ts";
import { describeCache } from "../../src/cli/cache.ts";
import type { CacheReport } from "../../src/inference/cache/cache.ts";
import { startRedis, type RedisServer } from "../state/redis-server.ts";
import { ask, type CacheScene, startCacheScene } from "./cache-scene.ts";

let redis: RedisServer;
let model: Awaited<ReturnType<typeof startSimulator>>;
let calls = 0;
let a: CacheScene;
let b: CacheScene;
let prefixes = 0;

beforeAll(async () => {
  redis = await startRedis();
  model = await startSimulator({ faults: true, onRequest: () => (calls += 1) });
});
afterAll(async () => {
  await model.close();
  await redis.stop();
});
/* Replicas have one configuration, and so one model; each test has a Redis of its own. */
beforeEach(async () => {
  calls = 0;
  const branches = {
    state: `{redis: "${redis.url}", prefix: "test-${(prefixes += 1)}:", timeout: 500ms}`,
    models: `{
      small: {provider: vllm, url: "${model.url}"},
      slow: {provider: vllm, url: "${model.url}", model: "slow@ttft=700"}
    }`,
  };
  [a, b] = await Promise.all([startCacheScene(branches), startCacheScene(branches)]);
});
afterEach(async () => {
  await Promise.all([a.close(), b.close()]);
});

const password = "How do I reset my password?";
const statusOf = (response: Response) => response.headers.get("cache-status");

async function told(scene: CacheScene, body: object, as: "ada" | "bob" | "eve" = "ada") {
  const response = await scene.send("chat/completions", body, { as });
  expect(response.status).toBe(200);
  return { status: statusOf(response), text: await response.text() };
}
const has = async (scene: CacheScene, body: object) =>
  (await scene.send("chat/completions", body, { headers: { "cache-control": "only-if-cached" } })).status === 200;

test.for([false, true])("an equal call is answered by the other replica (streamed: %s)", async (stream) => {
  const first = await told(a, ask(password, { stream }));
  await expect.poll(() => has(b, ask(password, { stream }))).toBe(true);
  const again = await told(b, ask(password, { stream }));
  expect(again.status).toMatch(/^sallyport; hit; ttl=3[56]\d\d$/);
  expect(again.text).toBe(first.text);
  expect(calls).toBe(1);
  /* The vector came along. */
  expect((await told(b, ask("What is the password reset process?", { stream }))).status).toContain("detail=semantic");
  expect(await b.metric("cache_shared_reads_total", "found")).toBe(1);
  for (const as of ["bob", "eve"] as const)
    expect((await told(b, ask(password, { stream }), as)).status).toContain("fwd=miss");
});

test("what is flushed at one replica is asked for anew at the other, and what was under way there is not kept", async () => {
  await told(a, ask(password));
  await expect.poll(() => has(b, ask(password))).toBe(true);
  const slow = ask("Who waits?", { model: "slow" });
  const under = told(b, slow);
  await expect.poll(() => calls).toBe(2);
  expect(await a.admin("POST", "/api/cache/flush", { tenant: "a" })).toEqual({ flushed: 1 });
  for (const scene of [a, b]) await expect.poll(() => has(scene, ask(password))).toBe(false);
  await under;
  await told(b, ask("Something else?"));
  await expect.poll(() => has(a, ask("Something else?"))).toBe(true);
  for (const scene of [a, b]) expect(await has(scene, slow)).toBe(false);
});

test("what `cache show` says is said of one replica", async () => {
  await told(a, ask(password));
  const shown = async (scene: CacheScene) => describeCache((await scene.admin("GET", "/api/cache")) as CacheReport)[0];
  expect(await shown(a)).toMatch(/^1 answers in \d of 65536 KiB, each for 3600 s; of this replica alone$/);
  expect(await shown(b)).toMatch(/^0 answers /);
});

test("with Redis away calls of known callers are answered, from the model or from what the replica has", async () => {
  await told(a, ask(password));
  await redis.kill();
  try {
    expect((await told(a, ask(password))).status).toContain("hit");
    expect((await told(a, ask("Still there?"))).status).toContain("fwd=miss");
    expect((await told(b, ask(password))).status).toContain("fwd=miss");
  } finally {
    await redis.start();
  }
});
