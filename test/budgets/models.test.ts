import OpenAI from "openai";
import { afterEach, expect, test } from "vitest";
import { ask, type Scene, startScene } from "./scene.ts";

let scene: Scene;
afterEach(() => scene.close());

test("a call is charged what the provider says it used, and the next that does not fit is refused", async () => {
  scene = await startScene('[{ name: little, limits: ["600 tokens/day"] }]');
  const openai = new OpenAI({
    baseURL: `${scene.url}/v1`,
    apiKey: "none",
    maxRetries: 0,
    defaultHeaders: { authorization: null },
  });
  const say = (max: number) =>
    openai.chat.completions.create({ model: "free", max_tokens: max, messages: [{ role: "user", content: "hi" }] });
  for (let call = 0; call < 3; call += 1) await say(400);
  const refused = await say(500).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(OpenAI.RateLimitError);
  if (!(refused instanceof OpenAI.RateLimitError)) return;
  expect(refused.type).toBe("rate_limit_error");
  expect(refused.code).toBe("budget_exhausted");
  expect(refused.message).toContain("The budget little (600 tokens/day) has 510 tokens left");
  expect(refused.headers.get("x-ratelimit-limit-tokens")).toBe("600");
  expect(refused.headers.get("x-ratelimit-remaining-tokens")).toBe("510");
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(Number(refused.headers.get("retry-after-ms"))).toBeGreaterThan(0);
  expect(scene.provider.asked).toHaveLength(3);
});

test("a client is told not to retry when the window ends later than it would wait", async () => {
  scene = await startScene('[{ name: one, limits: ["1 request/month"] }]');
  expect((await ask(scene, "free", "hi")).status).toBe(200);
  const refused = await ask(scene, "free", "hi");
  expect(refused.status).toBe(429);
  expect(refused.headers.get("x-should-retry")).toBe("false");
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(60);
});

test("what has no window is not filled up again, and nobody is told to wait", async () => {
  scene = await startScene('[{ name: ever, limits: ["1 request"] }]');
  await ask(scene, "free", "hi");
  const refused = await ask(scene, "free", "hi");
  expect(refused.headers.get("retry-after")).toBeNull();
  expect(refused.headers.get("x-should-retry")).toBe("false");
});

test("a whole call without a bound gets one: the usual, or what is left", async () => {
  scene = await startScene('[{ name: day, limits: ["9k output tokens/day"] }]');
  await ask(scene, "free", "hi");
  expect(scene.provider.asked[0]).toMatchObject({ max_tokens: 8_192 });
  scene = (await scene.close(), await startScene('[{ name: day, limits: ["50 output tokens/day"] }]'));
  await ask(scene, "free", "hi");
  await ask(scene, "free", "hi", { n: 2 });
  expect(scene.provider.asked.map(({ max_tokens: bound }) => bound)).toEqual([50, 15]);
});

test("the bound that a call is given is the model's, and each model that steps in has its own", async () => {
  scene = await startScene('[{ name: day, limits: ["9k output tokens/day"] }]');
  const url = scene.provider.url;
  const second = await startScene('[{ name: day, limits: ["9k output tokens/day"] }]', {
    models: `{ short: { provider: vllm, url: "${url}", maxTokens: 300, fallback: [long] }, long: { provider: vllm, url: "${url}", maxTokens: 4000 } }`,
  });
  expect((await ask(second, "short", "hi")).status).toBe(200);
  await ask(second, "short", "fail");
  expect(scene.provider.asked.map((body) => [body["model"], body["max_tokens"]])).toEqual([
    ["short", 300],
    ["short", 300],
    ["long", 4_000],
  ]);
  await second.close();
});

test("a call without a bound of its own is told to come back, for then it will get what fits", async () => {
  scene = await startScene('[{ name: small, limits: ["40 output tokens/day"] }]');
  for (let call = 0; call < 2; call += 1) expect((await ask(scene, "free", "hi")).status).toBe(200);
  for (const stream of [false, true]) {
    const refused = await ask(scene, "free", "hi", { stream });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await refused.text()).toMatch(
      /has 0 output tokens left, and this call needs room for 16 output tokens\. Try again in/,
    );
  }
});

test("a caller's own bound is not touched, and is refused when it does not fit", async () => {
  scene = await startScene('[{ name: day, limits: ["50 output tokens/day"] }]');
  expect((await ask(scene, "free", "hi", { max_tokens: 51 })).status).toBe(429);
  expect((await ask(scene, "free", "hi", { max_tokens: 50 })).status).toBe(200);
  expect(scene.provider.asked[0]).toMatchObject({ max_tokens: 50 });
});

test("input is reckoned by its bytes, and counted when that does not fit", async () => {
  scene = await startScene('[{ name: day, limits: ["1k input tokens/day"] }]');
  /* 2,400 bytes are some 500 tokens. */
  const answer = await ask(scene, "free", "many small words ".repeat(140));
  expect(answer.status).toBe(200);
  expect((await ask(scene, "free", "many small words ".repeat(1_400))).status).toBe(429);
});

test("money is charged by the price of the model that answers", async () => {
  scene = await startScene('[{ name: purse, limits: ["$0.05/day on dear"] }]');
  /* 20 tokens at a tenth of a cent each, and next to nothing for the input. */
  expect((await ask(scene, "dear", "hi", { max_tokens: 25 })).status).toBe(200);
  expect((await ask(scene, "dear", "hi", { max_tokens: 25 })).status).toBe(200);
  expect((await ask(scene, "dear", "hi", { max_tokens: 25 })).status).toBe(429);
  expect((await ask(scene, "free", "hi", { max_tokens: 25 })).status).toBe(200);
});

test("the cheaper model steps in when the budget says so, and a header tells", async () => {
  scene = await startScene('[{ name: purse, limits: ["$0.03/day"], onExhausted: fallback }]');
  expect((await ask(scene, "dear", "hi", { max_tokens: 25 })).headers.get("x-sallyport-model")).toBe("dear");
  const second = await ask(scene, "dear", "hi", { max_tokens: 25 });
  expect(second.status).toBe(200);
  expect(second.headers.get("x-sallyport-model")).toBe("free");
  expect(second.headers.get("x-sallyport-fallback")).toBe("budget_exhausted");
});

test("a model whose price nobody knows is refused under a limit in dollars, or counted as unpriced", async () => {
  scene = await startScene('[{ name: purse, limits: ["$1/day"] }]');
  const refused = await ask(scene, "unpriced", "hi", { max_tokens: 5 });
  expect(refused.status).toBe(429);
  expect(await refused.text()).toContain("nobody knows what unpriced costs");
  await scene.close();
  scene = await startScene('[{ name: purse, limits: ["$1/day"], unknownPrice: allow }]');
  expect((await ask(scene, "unpriced", "hi", { max_tokens: 5 })).status).toBe(200);
  expect((await scene.gateway.foundation.metrics.render()).body).toContain(
    'sallyport_budget_unpriced_total{budget="purse",model="unpriced"} 1',
  );
});

test("concurrent calls are counted while they are under way, however they end", async () => {
  scene = await startScene('[{ name: few, limits: ["2 concurrent calls"] }]');
  const first = [ask(scene, "free", "slow 1000"), ask(scene, "free", "slow 1000")];
  await expect.poll(() => scene.provider.asked.length).toBe(2);
  expect((await ask(scene, "free", "hi")).status).toBe(429);
  await Promise.all(first);
  expect((await ask(scene, "free", "fail")).status).toBe(500);
  expect((await ask(scene, "free", "hi")).status).toBe(200);
});

test("a call waits in the queue for room, and no more may wait than are let", async () => {
  scene = await startScene(
    '[{ name: one, limits: ["1 concurrent call"], onExhausted: queue, maxWait: 5s, maxWaiting: 1 }]',
  );
  const first = ask(scene, "free", "slow 1000");
  await expect.poll(() => scene.provider.asked.length).toBe(1);
  const second = ask(scene, "free", "hi");
  const third = await ask(scene, "free", "hi");
  const [one, two] = await Promise.all([first, second]);
  expect([one.status, two.status]).toEqual([200, 200]);
  expect(third.status).toBe(429);
});

test("calls without a bound of their own wait for room too, however little a budget has in all", async () => {
  scene = await startScene('[{ name: q, limits: ["40 output tokens/s"], onExhausted: queue, maxWait: 10s }]');
  const calls = Array.from({ length: 6 }, (_, at) => ask(scene, "free", "stream 20", { stream: at % 2 === 0 }));
  expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
});

test("one who leaves the queue takes nothing with him", async () => {
  scene = await startScene('[{ name: one, limits: ["1 concurrent call"], onExhausted: queue, maxWait: 5s }]');
  const first = ask(scene, "free", "slow 1000");
  await expect.poll(() => scene.provider.asked.length).toBe(1);
  await expect(
    fetch(`${scene.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "free", messages: [{ role: "user", content: "hi" }] }),
      signal: AbortSignal.timeout(50),
    }),
  ).rejects.toThrow();
  await first;
  expect((await ask(scene, "free", "hi")).status).toBe(200);
  expect(scene.provider.asked).toHaveLength(2);
});

test("a budget in shadow mode refuses nothing, and its refusals are counted", async () => {
  scene = await startScene('[{ name: ghost, mode: shadow, limits: ["1 request/day"] }]');
  for (let call = 0; call < 3; call += 1) expect((await ask(scene, "free", "hi")).status).toBe(200);
  expect((await scene.gateway.foundation.metrics.render()).body).toContain(
    'sallyport_budget_refusals_total{budget="ghost",limit="1 request/day",mode="shadow"} 2',
  );
});

test("a budget in shadow mode changes no request either, and one that cannot say whether it holds lets the call pass", async () => {
  scene = await startScene(
    `[{ name: ghost, mode: shadow, limits: ["100 output tokens/day", "$0.01/day"] }, { name: broken, mode: shadow, where: 'principal.claims.none == "x"', limits: ["1 call"] }]`,
  );
  for (const model of ["free", "unpriced"]) expect((await ask(scene, model, "hi")).status).toBe(200);
  expect(scene.provider.asked).toHaveLength(2);
  for (const body of scene.provider.asked) expect(body).not.toHaveProperty("max_tokens");
  const text = await (await ask(scene, "free", "stream 2000", { stream: true })).text();
  expect(text.match(/word/g)).toHaveLength(2_000);
  /* With a bound of what was left all of them would have passed, and the stream would have been cut. */
  const refusals = async () =>
    /budget_refusals_total\{budget="ghost",limit="100 output tokens\/day",mode="shadow"\} \d+/.exec(
      (await scene.gateway.foundation.metrics.render()).body,
    )?.[0];
  expect(await refusals()).toBeUndefined();
  expect((await ask(scene, "free", "hi")).status).toBe(200);
  expect(await refusals()).toMatch(/ 1$/);
});

test("a header warns from the soft limit on", async () => {
  /* Of several the fullest. */
  const budgets =
    '[{ name: soft, soft: 50%, limits: ["4 requests/day"] }, { name: wide, soft: 15%, limits: ["10 requests/day"] }]';
  scene = await startScene(budgets);
  const headers = [];
  for (let call = 0; call < 3; call += 1)
    headers.push((await ask(scene, "free", "hi")).headers.get("x-sallyport-budget"));
  expect(headers).toEqual([null, "soft; 4 requests/day; 50% used", "soft; 4 requests/day; 75% used"]);
});

test("a budget holds where its condition does, each for its own key", async () => {
  scene = await startScene(
    `[{ name: chat, where: 'llm.messages.size() > 1', limits: ["1 request/day"] }, { name: each, per: model, limits: ["2 requests/day"] }]`,
  );
  const two = {
    messages: [
      { role: "user", content: "a" },
      { role: "user", content: "b" },
    ],
  };
  expect((await ask(scene, "free", "", two)).status).toBe(200);
  expect((await ask(scene, "free", "", two)).status).toBe(429);
  expect((await ask(scene, "free", "hi")).status).toBe(200);
  expect((await ask(scene, "free", "hi")).status).toBe(429);
  expect((await ask(scene, "unpriced", "hi")).status).toBe(200);
});

test("a stream is reserved in slices, and settled to what it used", async () => {
  scene = await startScene('[{ name: day, limits: ["3k output tokens/day"] }]');
  const text = await (await ask(scene, "free", "stream 2000", { stream: true })).text();
  expect(text.match(/word/g)).toHaveLength(2_000);
  expect((await ask(scene, "free", "hi", { max_tokens: 1_001 })).status).toBe(429);
  expect((await ask(scene, "free", "hi", { max_tokens: 1_000 })).status).toBe(200);
});

test("a stream that is left is charged for what was produced", async () => {
  scene = await startScene('[{ name: day, limits: ["100k output tokens/day"] }]');
  const abort = new AbortController();
  const response = await fetch(`${scene.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "free", stream: true, messages: [{ role: "user", content: "stream 90000" }] }),
    signal: abort.signal,
  });
  const reader = response.body!.getReader();
  let seen = 0;
  while (seen < 20_000) seen += (await reader.read()).value?.length ?? 0;
  abort.abort();
  await expect
    .poll(async () => (await scene.gateway.foundation.metrics.render()).body)
    .toMatch(/operations_total\{[^}]*outcome="aborted"[^}]*\} 1/);
  const left = Number(
    (await ask(scene, "free", "hi", { max_tokens: 100_000 })).headers.get("x-ratelimit-remaining-tokens"),
  );
  expect(left).toBeLessThan(100_000 - 100);
  expect(left).toBeGreaterThan(50_000);
});

test("a stream that uses its budget up ends as one that has reached its length, with no more than the budget", async () => {
  scene = await startScene('[{ name: day, limits: ["700 output tokens/day"] }]');
  const openai = new OpenAI({
    baseURL: `${scene.url}/v1`,
    apiKey: "none",
    maxRetries: 0,
    defaultHeaders: { authorization: null },
  });
  const stream = await openai.chat.completions.create({
    model: "free",
    stream: true,
    messages: [{ role: "user", content: "stream 5000" }],
  });
  let words = 0;
  let reason: string | null = null;
  for await (const { choices } of stream) {
    if (choices[0]?.delta.content) words += 1;
    reason = choices[0]?.finish_reason ?? reason;
  }
  expect(reason).toBe("length");
  expect(words).toBe(700);
  expect((await ask(scene, "free", "hi", { max_tokens: 1 })).status).toBe(429);
});

test("a message in Anthropic's dialect ends so too", async () => {
  scene = await startScene('[{ name: day, limits: ["700 output tokens/day"] }]');
  const response = await fetch(`${scene.url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "anthropic-version": "2023-06-01" },
    body: JSON.stringify({
      model: "free",
      stream: true,
      max_tokens: 5_000,
      messages: [{ role: "user", content: "stream 5000" }],
    }),
  });
  const text = await response.text();
  expect(text.match(/text_delta/g)).toHaveLength(700);
  const events = [...text.matchAll(/^event: (\w+)/gm)].map(([, name]) => name);
  expect(events.slice(-3)).toEqual(["content_block_stop", "message_delta", "message_stop"]);
  expect(text).toContain('"stop_reason":"max_tokens"');
});

test("a policy reads what is left of a budget, without waiting for it", async () => {
  scene = await startScene('[{ name: day, limits: ["4 requests/day"] }]', {}, `allow: 'budget.remaining("day") > 0.5'`);
  expect((await ask(scene, "free", "hi")).status).toBe(200);
  expect((await ask(scene, "free", "hi")).status).toBe(200);
  /* Half is used, and no more is open; what may not be called is not listed either. */
  expect((await ask(scene, "free", "hi")).status).toBe(404);
  await scene.close();
  scene = await startScene("[]", {}, `allow: 'budget.remaining("none") > 0.5'`);
  expect((await ask(scene, "free", "hi")).status).toBe(404);
});

test("what a provider uses beyond the bound is booked as debt, and counted", async () => {
  scene = await startScene('[{ name: day, limits: ["15 output tokens/day"] }]');
  /* The model says 20, whatever it was told. */
  expect((await ask(scene, "free", "hi", { max_tokens: 10 })).status).toBe(200);
  const refused = await ask(scene, "free", "hi", { max_tokens: 1 });
  expect(refused.status).toBe(429);
  expect(refused.headers.get("x-ratelimit-remaining-tokens")).toBe("0");
  expect((await scene.gateway.foundation.metrics.render()).body).toContain(
    'sallyport_budget_overruns_total{budget="day",limit="15 output tokens/day"} 1',
  );
});

test("where debt fills the windows to come, the wait is until the one that has room", async () => {
  scene = await startScene('[{ name: day, limits: ["5 output tokens/day"] }]');
  /* The model says 20: 15 are owed, and fill three days. */
  expect((await ask(scene, "free", "hi", { max_tokens: 5 })).status).toBe(200);
  for (const needed of [5, 1]) {
    const refused = await ask(scene, "free", "hi", { max_tokens: needed });
    expect(refused.status).toBe(429);
    const wait = Number(refused.headers.get("retry-after")) / 86_400;
    expect(wait).toBeGreaterThan(3);
    expect(wait).toBeLessThanOrEqual(4);
  }
});

test("an answer whose server does not say what it used is charged by its length, in either dialect", async () => {
  scene = await startScene('[{ name: day, limits: ["100k output tokens/day"] }]');
  const left = async () =>
    Number((await ask(scene, "free", "hi", { max_tokens: 100_001 })).headers.get("x-ratelimit-remaining-tokens"));
  expect((await ask(scene, "free", "untold 1000", { max_tokens: 5_000 })).status).toBe(200);
  const first = 100_000 - (await left());
  expect(first).toBeGreaterThanOrEqual(1_000);
  expect(first).toBeLessThan(1_100);
  const translated = await fetch(`${scene.url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "anthropic-version": "2023-06-01" },
    body: JSON.stringify({ model: "free", max_tokens: 5_000, messages: [{ role: "user", content: "untold 1000" }] }),
  });
  expect(translated.status).toBe(200);
  const second = 100_000 - first - (await left());
  expect(second).toBeGreaterThanOrEqual(1_000);
  expect(second).toBeLessThan(1_100);
});

test("after many calls of every kind, at once and left at any moment, nothing stays reserved", async () => {
  scene = await startScene('[{ name: all, limits: ["6 concurrent calls", "900k tokens/day"] }]');
  const { url, gateway } = scene;
  const kinds = ["hi", "slow 20", "fail", "stream 50", "stream 800"];
  const calls = Array.from({ length: 150 }, async (_, index) => {
    const content = kinds[index % kinds.length]!;
    const stream = content.startsWith("stream");
    try {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "free", stream, max_tokens: 4_000, messages: [{ role: "user", content }] }),
        ...(index % 3 === 0 && { signal: AbortSignal.timeout((index * 7) % 60) }),
      });
      await response.text();
      return response.status;
    } catch {
      return 0;
    }
  });
  const statuses = new Set(await Promise.all(calls));
  for (const status of [0, 200, 429, 500]) expect(statuses).toContain(status);
  const term = { key: "all\0concurrent/none/\0", group: "", window: "none", limit: 6, idleMs: undefined } as const;
  await expect.poll(async () => (await gateway.foundation.ledger.read([term])).used).toEqual([0]);
});
