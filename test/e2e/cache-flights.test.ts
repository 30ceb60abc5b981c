import { afterEach, expect, test } from "vitest";
import { ask, type CacheScene, startCacheScene } from "./cache-scene.ts";

let scene: CacheScene | undefined;
afterEach(async () => {
  await scene?.close();
  scene = undefined;
});

const models = `{
  small: {provider: vllm, url: "SIMULATOR", model: "small@ttft=300"},
  slow: {provider: vllm, url: "SIMULATOR", model: "slow@ttft=700"},
  broken: {provider: vllm, url: "SIMULATOR", model: "broken@ttft=30,status=500"},
  hanging: {provider: vllm, url: "SIMULATOR", model: "hanging@hang"}
}`;
const start = async (branches: Readonly<Record<string, string>> = {}) =>
  (scene = await startCacheScene({ models, ...branches }));

const statusOf = (response: Response) => response.headers.get("cache-status");
const flights = ({ gateway }: CacheScene) => gateway.epochs.current().cache?.flights.count;
const inFlight = ({ gateway }: CacheScene) => gateway.foundation.inFlight.count;

test.for([false, true])(
  "fifty equal calls at once are one call of the model and one reservation (streamed: %s)",
  async (stream) => {
    /* A second reservation would be refused. */
    const { send, calls, metric, journal } = await start({
      budgets: '[{name: one, limits: ["1 request/month on small", "$1/month"]}]',
      models: models.replace('ttft=300"}', 'ttft=300", price: {input: "$1", output: "$2"}}'),
    });
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => send("chat/completions", ask("How tall is it?", { stream }))),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    expect(new Set(await Promise.all(answers.map((answer) => answer.text()))).size).toBe(1);
    expect(calls()).toBe(1);
    /* Nothing is left for another question, and nothing is needed for this one. */
    expect((await send("chat/completions", ask("How wide is it?", { stream }))).status).toBe(429);
    expect((await send("chat/completions", ask("How tall is it?", { stream }))).status).toBe(200);
    const statuses = answers.map(statusOf);
    const collapsed = statuses.filter((status) => status === "sallyport; fwd=miss; collapsed");
    /* Who came late found it kept. */
    const found = statuses.filter((status) => status?.startsWith("sallyport; hit; ttl=") === true);
    expect(collapsed.length).toBeGreaterThan(0);
    expect(collapsed.length + found.length).toBe(49);
    expect(await metric("cache_lookups_total", 'result="collapsed"')).toBe(collapsed.length);
    const records = (await journal()).slice(2);
    const paid = records.filter(({ costNanos = 0 }) => costNanos > 0);
    expect([records.length, paid.length]).toEqual([50, 1]);
    expect(await metric("cache_saved_dollars_total")).toBeCloseTo((50 * paid[0]!.costNanos!) / 1e9, 9);
    const used = (await metric("tokens_total", "input")) + (await metric("tokens_total", "output"));
    expect(await metric("cache_saved_tokens_total")).toBe(50 * used);
  },
);

test("when the caller of the first leaves, the next one is sent, and the others go on waiting", async () => {
  const running = await start();
  const { send, calls, leaving } = running;
  const caller = new AbortController();
  const asked = ask("Who leads?", { model: "slow" });
  const first = send("chat/completions", asked, { signal: caller.signal }).catch(() => undefined);
  await expect.poll(() => calls()).toBe(1);
  const others = Array.from({ length: 10 }, () => send("chat/completions", asked));
  await expect.poll(() => inFlight(running)).toBe(11);
  caller.abort();
  await first;
  const answers = await Promise.all(others);
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
  expect([calls(), leaving()]).toEqual([2, 1]);
  expect(answers.filter((answer) => statusOf(answer) === "sallyport; fwd=miss; stored")).toHaveLength(1);
});

test("a waiting caller that leaves leaves at once, and nobody else notices", async () => {
  const running = await start();
  const { send, calls } = running;
  const first = send("chat/completions", ask("Who waits?", { model: "slow" }));
  await expect.poll(() => calls()).toBe(1);
  const caller = new AbortController();
  const second = send("chat/completions", ask("Who waits?", { model: "slow" }), { signal: caller.signal });
  await expect.poll(() => inFlight(running)).toBe(2);
  caller.abort();
  await expect(second).rejects.toThrow();
  await expect.poll(() => inFlight(running)).toBe(1);
  expect((await first).status).toBe(200);
  expect(calls()).toBe(1);
});

test("calls whose model fails do not wait for each other for ever, and each is told", async () => {
  const running = await start();
  const { send, calls } = running;
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => send("chat/completions", ask("Why?", { model: "broken" }))),
  );
  for (const { status } of answers) expect(status).toBeGreaterThanOrEqual(500);
  expect(calls()).toBeLessThanOrEqual(8);
  expect(flights(running)).toBe(0);
});

test("calls whose answer is for their own caller alone are all sent, without waiting one after the other", async () => {
  const running = await start();
  const { send, calls } = running;
  const tools = [{ type: "function", function: { name: "get_time", parameters: { type: "object", properties: {} } } }];
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => send("chat/completions", ask("Please get time", { tools }))),
  );
  for (const answer of answers) expect(await answer.text()).toContain("tool_calls");
  expect(calls()).toBe(6);
  expect(running.gateway.epochs.current().cache?.answers.count).toBe(0);
});

test("a call waits no longer than configured, nor than its own model may take", async () => {
  const running = await start({ cache: "{wait: 100ms}" });
  const ended: string[] = [];
  const of = (name: string) =>
    running.send("chat/completions", ask("How long?", { model: "slow" })).then(async (answer) => {
      ended.push(name);
      return statusOf(answer);
    });
  const first = of("first");
  await expect.poll(() => running.calls()).toBe(1);
  const second = of("second");
  expect(await Promise.all([first, second])).toEqual(["sallyport; fwd=miss; stored", "sallyport; fwd=miss; stored"]);
  expect(running.calls()).toBe(2);
});

test("a gateway that stops leaves nobody waiting", async () => {
  const running = await start({ drain: "{grace: 50ms}" });
  const calls = Array.from({ length: 5 }, () =>
    running.send("chat/completions", ask("Still there?", { model: "hanging" })),
  );
  await expect.poll(() => inFlight(running)).toBe(5);
  expect(running.calls()).toBe(1);
  await running.gateway.drain();
  const answers = await Promise.all(calls);
  expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503]);
  expect([inFlight(running), flights(running)]).toEqual([0, 0]);
});

test("callers of different principals never wait for each other", async () => {
  const running = await start();
  const answers = await Promise.all([
    running.send("chat/completions", ask("Whose is it?")),
    running.send("chat/completions", ask("Whose is it?"), { as: "bob" }),
  ]);
  expect(answers.map(statusOf)).toEqual(["sallyport; fwd=miss; stored", "sallyport; fwd=miss; stored"]);
  expect(running.calls()).toBe(2);
});
