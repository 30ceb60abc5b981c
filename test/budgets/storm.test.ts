import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RedisServer, startRedis } from "../state/redis-server.ts";
import { steps } from "./ledger/random-run.ts";
import { ask, type Scene, startScene } from "./scene.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const CALLS = 240;
const AT_A_TIME = 16;
const WORDS = 3_000;
const REQUESTS = 150;

const budgets = `[
  { name: at-once, limits: ["5 concurrent calls"], onExhausted: queue, maxWait: 60s },
  { name: words, limits: ["${WORDS} output tokens/month on dear"], onExhausted: fallback },
  { name: sum, limits: ["${REQUESTS} requests/month on dear"] },
]`.replaceAll("\n", " ");

/** One call that may do anything: be read to its end or left at any moment. What it got of words. */
async function call(scene: Scene, [verb, one, two, three]: readonly number[]): Promise<number> {
  const abort = new AbortController();
  const leaves = three! < 30;
  const body = verb! < 60 ? { stream: true } : verb! < 98 ? { max_tokens: 20 + one! } : {};
  const content = verb! < 60 ? `stream ${1 + 3 * one!}` : verb! < 80 ? `slow ${one}` : verb! < 83 ? "fail" : "hi";
  const timer = leaves ? setTimeout(() => abort.abort(), two) : undefined;
  try {
    const response = await ask(scene, "dear", content, body, abort.signal);
    if (response.headers.get("x-sallyport-model") !== "dear") {
      await response.text();
      return 0;
    }
    let words = 0;
    for await (const piece of response.body!)
      words += new TextDecoder().decode(piece as Uint8Array).match(/word/g)?.length ?? 0;
    return words;
  } catch {
    return 0;
  } finally {
    clearTimeout(timer);
  }
}

test.each(["memory", "a Redis"])(
  "calls that are left, fail, fall back and overlap (%s): no budget is overdrawn, and when all is quiet nothing is held",
  async (store) => {
    const scene = await startScene(budgets, { state: store === "memory" ? "memory" : server.url });
    const dice = steps(42, CALLS);
    let words = 0;
    const work = async () => {
      for (const step of dice) {
        const got = await call(scene, step);
        words += got;
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    expect(words).toBeGreaterThan(WORDS / 10);
    expect(words).toBeLessThanOrEqual(WORDS);
    const dear = scene.provider.asked.filter(({ model }) => model === "dear").length;
    expect(dear).toBeLessThanOrEqual(REQUESTS);
    expect(dear).toBeGreaterThan(10);
    /* What was left is given back as soon as its provider has let go: then five of six have room, and the sixth waits for one. */
    const fill = async () => {
      const before = scene.provider.asked.length;
      const six = Array.from({ length: 6 }, () => ask(scene, "free", "slow 1000"));
      await sleep(500);
      const inFront = scene.provider.asked.length - before;
      return [inFront, ...(await Promise.all(six)).map(({ status }) => status)];
    };
    await expect.poll(fill, { timeout: 20_000 }).toEqual([5, 200, 200, 200, 200, 200, 200]);
    await scene.close();
  },
);

test("one who waits and whom something else stands in the way of then makes room for those behind", async () => {
  const scene = await startScene(
    '[{ name: at-once, limits: ["1 concurrent call"], onExhausted: queue, maxWait: 10m }, { name: words, limits: ["100 output tokens/month"] }]',
  );
  /* It uses 20 of the 90 words that it may. */
  const first = ask(scene, "free", "slow 300", { max_tokens: 90 });
  await expect.poll(() => scene.provider.asked.length, { interval: 5 }).toBe(1);
  const second = ask(scene, "free", "hi", { max_tokens: 100 });
  await sleep(50);
  const third = ask(scene, "free", "hi", { max_tokens: 30 });
  expect((await first).status).toBe(200);
  const refused = await second;
  expect(refused.status).toBe(429);
  expect(await refused.text()).toContain("The budget words");
  expect((await third).status).toBe(200);
  await scene.close();
});
