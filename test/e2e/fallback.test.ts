import { readFileSync } from "node:fs";
import { APIError } from "openai";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import {
  hangs,
  refuses,
  says,
  saysAndDies,
  startProvider,
  startScene,
  type Provider,
  type Scene,
} from "./fallback-scene.ts";

const open: { close(): Promise<void> }[] = [];
let primary: Provider;
let second: Provider;
let third: Provider;

beforeEach(async () => {
  primary = await startProvider(says("from primary"));
  second = await startProvider(says("from second"));
  third = await startProvider(says("from third"));
  open.push(primary, second, third);
});
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

async function start(branches: Readonly<Record<string, string>> = {}): Promise<Scene> {
  const scene = await startScene({
    models: `
  primary: { provider: vllm, url: "${primary.url}", fallback: [second, third] }
  second: { provider: vllm, url: "${second.url}" }
  third: { provider: vllm, url: "${third.url}" }`,
    ...branches,
  });
  open.push(scene);
  return scene;
}

const messages = [{ role: "user" as const, content: "Hello" }];

const ask = (scene: Scene, content = "Hello") =>
  scene.openai.chat.completions
    .create({ model: "primary", messages: [{ role: "user", content }] })
    .withResponse()
    .then(({ data, response: { headers } }) => ({
      text: data.choices[0]?.message.content,
      model: headers.get("x-sallyport-model"),
      fallback: headers.get("x-sallyport-fallback"),
    }));

test("each model that did not answer is named by its reason, in order", async () => {
  const scene = await start();
  primary.behaviour = refuses(429);
  second.behaviour = refuses(500);
  expect(await ask(scene)).toEqual({ text: "from third", model: "third", fallback: "rate_limited, server_error" });
});

test("the example of the documentation gives the answer shown there", async () => {
  const page = readFileSync(new URL("../../docs/fallback.md", import.meta.url), "utf8");
  const block = (language: string) => page.match(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``))?.[1] ?? "";
  const models = block("yaml")
    .replace("models:", "")
    .replace("https://api.openai.com", primary.url)
    .replace("https://eu.api.openai.com", second.url)
    .replace("http://vllm-0:8000", third.url)
    .replaceAll("${env:OPENAI_API_KEY}", "provider-key");
  const scene = await start({ models });
  primary.behaviour = refuses(429);
  second.behaviour = refuses(500);
  const { response } = await scene.openai.chat.completions.create({ model: "gpt-4o", messages }).withResponse();
  const shown = block("http").trim().split("\n");
  expect(shown).toHaveLength(2);
  for (const line of shown) {
    const [name = "", value] = line.split(": ");
    expect(response.headers.get(name)).toBe(value);
  }
});

test("two models that step in for each other are each asked once, whichever was asked for", async () => {
  const scene = await start({
    models: `
  primary: { provider: vllm, url: "${primary.url}", fallback: [second] }
  second: { provider: vllm, url: "${second.url}", fallback: [primary] }`,
  });
  const call = (model: string) => scene.openai.chat.completions.create({ model, messages }).withResponse();
  primary.behaviour = refuses(500);
  expect((await call("primary")).response.headers.get("x-sallyport-model")).toBe("second");
  primary.behaviour = says("from primary");
  second.behaviour = refuses(500);
  expect((await call("second")).response.headers.get("x-sallyport-model")).toBe("primary");
  expect([primary.calls, second.calls]).toEqual([2, 2]);
  primary.behaviour = refuses(500);
  await expect(call("primary")).rejects.toMatchObject({ status: 500 });
  expect([primary.calls, second.calls]).toEqual([3, 3]);
});

test("for vectors only the same model steps in: those of another mean something else", async () => {
  const scene = await start({
    models: `
  primary: { provider: vllm, url: "${primary.url}", model: vectors, fallback: [second, third] }
  second: { provider: vllm, url: "${second.url}", model: other-vectors }
  third: { provider: vllm, url: "${third.url}", model: vectors }`,
  });
  primary.behaviour = refuses(500);
  third.behaviour = (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ object: "list", data: [], model: "vectors", usage: { prompt_tokens: 1 } }));
  };
  const { response } = await scene.openai.embeddings.create({ model: "primary", input: "Hello" }).withResponse();
  expect(response.headers.get("x-sallyport-model")).toBe("third");
  expect([primary.calls, second.calls, third.calls]).toEqual([1, 0, 1]);
});

test("a body of many megabytes reaches the next model as it came", async () => {
  const scene = await start();
  primary.behaviour = refuses(500);
  const content = "x".repeat(20_000_000);
  expect(await ask(scene, content)).toMatchObject({ text: "from second" });
  expect((JSON.parse(second.lastBody) as { messages: { content: string }[] }).messages[0]?.content).toBe(content);
});

test("an upstream that says when to come back is not called before", async () => {
  const scene = await start();
  primary.behaviour = refuses(429, {}, { "retry-after": "30" });
  expect(await ask(scene)).toMatchObject({ model: "second", fallback: "rate_limited" });
  primary.behaviour = says("well again");
  for (let count = 0; count < 5; count++)
    expect(await ask(scene)).toMatchObject({ model: "second", fallback: "retry_later" });
  expect([primary.calls, second.calls]).toEqual([1, 6]);
});

test("when the budget of one model is spent the cheaper one steps in, and the answer says so", async () => {
  const scene = await start({
    budgets: '[{ name: team-a, limits: ["2 calls/hour on primary", "3 calls/hour on second"], onExhausted: fallback }]',
  });
  const answers = [];
  for (let count = 0; count < 6; count++) answers.push(await ask(scene));
  expect(answers.map(({ model }) => model)).toEqual(["primary", "primary", "second", "second", "second", "third"]);
  expect(answers[2]?.fallback).toBe("budget_exhausted");
  expect(answers[5]?.fallback).toBe("budget_exhausted, budget_exhausted");
  expect([primary.calls, second.calls, third.calls]).toEqual([2, 3, 1]);
  expect(await scene.metric("fallbacks_total")).toContain(
    'fallbacks_total{model="primary",reason="budget_exhausted"} 5',
  );
});

test("a budget that does not say `onExhausted: fallback` refuses, whoever else could answer", async () => {
  const scene = await start({ budgets: '[{ name: team-a, limits: ["1 call/hour on primary"] }]' });
  expect(await ask(scene)).toMatchObject({ model: "primary" });
  const error = await ask(scene).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ status: 429, type: "rate_limit_error" });
  expect([primary.calls, second.calls]).toEqual([1, 0]);
});

test("a model that policy denies does not step in, nor is it told of", async () => {
  const scene = await start({ policies: "./rules.yaml" });
  primary.behaviour = refuses(500);
  expect(await ask(scene)).toEqual({ text: "from third", model: "third", fallback: "server_error" });
  expect(second.calls).toBe(0);
});

test("what a failing model had begun to say, and a guard held back, is no part of the next one's answer", async () => {
  const scene = await start({ guardrails: "[{ type: pattern, mask: [nightingale], direction: output }]" });
  primary.behaviour = saysAndDies("night");
  second.behaviour = says("ingales and nightingale");
  const { data, response } = await scene.openai.chat.completions
    .create({ model: "primary", messages, stream: true })
    .withResponse();
  let text = "";
  for await (const each of data) text += each.choices[0]?.delta.content ?? "";
  expect(text).toBe("ingales and [masked]");
  expect(response.headers.get("x-sallyport-fallback")).toBe("truncated");
});

test("each model gets what was masked, masked, and the caller gets it back from whoever answers", async () => {
  const scene = await start({ guardrails: "[{ type: pii, mask: [email], restore: true }]" });
  const content = "Write to ann.smith@corp.example, please.";
  primary.behaviour = refuses(500);
  second.behaviour = (response, stream) => {
    const body = JSON.parse(second.lastBody) as { messages: { content: string }[] };
    says(`You said: ${body.messages[0]?.content}`)(response, stream);
  };
  expect(await ask(scene, content)).toMatchObject({ text: `You said: ${content}`, model: "second" });
  for (const { lastBody } of [primary, second]) {
    expect(lastBody).toContain("Write to ");
    expect(lastBody).not.toContain("ann.smith");
  }
  expect(JSON.parse(primary.lastBody)).toMatchObject({
    messages: (JSON.parse(second.lastBody) as { messages: [] }).messages,
  });
});

test("nobody is asked for a caller who has gone", async () => {
  const scene = await start();
  primary.behaviour = hangs;
  const caller = new AbortController();
  const gone = scene.openai.chat.completions.create({ model: "primary", messages }, { signal: caller.signal });
  const ended = gone.then(
    () => "answered",
    () => "gone",
  );
  await eventually(() => expect(primary.calls).toBe(1));
  caller.abort();
  expect(await ended).toBe("gone");
  await eventually(async () => {
    const { records } = (await scene.admin("/api/journal?outcome=aborted")) as { records: object[] };
    expect(records).toHaveLength(1);
  });
  expect(second.calls).toBe(0);
});

test("a storm of 5xx reaches the upstreams 1.2 times at most, and then hardly at all", async () => {
  const scene = await start();
  for (const each of [primary, second, third]) each.behaviour = refuses(503);
  const requests = 600;
  const callers = 50;
  const retrying = scene.openai.withOptions({ maxRetries: 2 });
  const statuses = new Map<number | undefined, number>();
  let longestWaitS = 0;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (let count = 0; count < requests / callers; count++) {
        /* A few as the SDK does by default: what it is told keeps it from making the storm larger. */
        const client = count === 0 ? retrying : scene.openai;
        const error = await client.chat.completions
          .create({ model: "primary", messages })
          .catch((thrown: unknown) => thrown);
        if (!(error instanceof APIError)) throw error;
        statuses.set(error.status, (statuses.get(error.status) ?? 0) + 1);
        longestWaitS = Math.max(longestWaitS, Number(error.headers?.get("retry-after") ?? 0));
      }
    }),
  );
  const calls = primary.calls + second.calls + third.calls;
  expect([...statuses.values()].reduce((sum, each) => sum + each, 0)).toBe(requests);
  expect(calls).toBeLessThanOrEqual(1.2 * requests);
  expect(longestWaitS).toBeGreaterThan(0);

  /* Visible to whoever is on call. */
  expect((await scene.metric("upstream_breaker_state")).filter((line) => line.endsWith(" 2"))).toHaveLength(3);
  expect(await scene.ready()).toMatch(/^ready\nupstream primary at http:\/\/127\.0\.0\.1:\d+\/v1: open, /);
  expect(await scene.admin("/api/status")).toMatchObject({ upstreams: [{ state: "open" }, {}, {}] });

  /* Once they are well it takes no longer than the longest rest. */
  for (const each of [primary, second, third]) each.behaviour = says("well again");
  await eventually(async () => expect(await ask(scene)).toMatchObject({ text: "well again", model: "primary" }));
});

test("a Claude-style stream that begins with `overloaded_error` is answered by the next model", async () => {
  const event = (type: string, value: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...value })}\n\n`;
  const message = {
    id: "m",
    type: "message",
    role: "assistant",
    model: "c",
    content: [],
    stop_reason: null,
    usage: { input_tokens: 3, output_tokens: 0 },
  };
  const opening = event("message_start", { message }) + event("ping", {});
  primary.behaviour = (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(opening + event("error", { error: { type: "overloaded_error", message: "Overloaded" } }));
  };
  second.behaviour = (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(
      opening +
        event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }) +
        event("content_block_delta", { index: 0, delta: { type: "text_delta", text: "from second" } }) +
        event("content_block_stop", { index: 0 }) +
        event("message_delta", {
          delta: { stop_reason: "end_turn", stop_sequence: null },
          usage: { output_tokens: 2 },
        }) +
        event("message_stop", {}),
    );
  };
  third.behaviour = (response) => {
    response.writeHead(400, { "content-type": "application/json" });
    const error = { type: "invalid_request_error", message: "prompt is too long: 210000 tokens > 200000 maximum" };
    response.end(JSON.stringify({ type: "error", error }));
  };
  const scene = await start({
    models: `
  opus: { provider: anthropic, url: "${primary.url}", key: provider-key, fallback: [sonnet] }
  short: { provider: anthropic, url: "${third.url}", key: provider-key, fallback: [sonnet] }
  sonnet: { provider: anthropic, url: "${second.url}", key: provider-key }`,
  });
  for (const [model, reason] of [
    ["opus", "server_error"],
    ["short", "context_too_long"],
  ]) {
    const answer = await fetch(`${scene.url}/v1/messages`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${scene.openai.apiKey}`,
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
      },
      body: JSON.stringify({ model, max_tokens: 10, stream: true, messages }),
    });
    expect(answer.headers.get("x-sallyport-model")).toBe("sonnet");
    expect(answer.headers.get("x-sallyport-fallback")).toBe(reason);
    const text = await answer.text();
    expect(text.match(/event: message_start/g)).toHaveLength(1);
    expect(text).toContain("from second");
    expect(text).toMatch(/event: message_stop\ndata: .*\n\n$/);
  }
});

test("a model of another dialect steps in where it can do what was asked for, and is passed over where it cannot", async () => {
  const scene = await start({
    models: `
  primary: { provider: vllm, url: "${primary.url}", fallback: [claude, third] }
  claude: { provider: anthropic, url: "${second.url}", key: provider-key }
  third: { provider: vllm, url: "${third.url}" }
  only-claude: { provider: vllm, url: "${primary.url}", fallback: [claude] }`,
  });
  primary.behaviour = refuses(500, { message: "The engine is broken." });
  second.behaviour = (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const content = [{ type: "text", text: "from claude" }];
    const usage = { input_tokens: 3, output_tokens: 2 };
    const answer = { id: "m", type: "message", role: "assistant", model: "c", content, stop_reason: "end_turn", usage };
    response.end(JSON.stringify(answer));
  };
  expect(await ask(scene)).toEqual({ text: "from claude", model: "claude", fallback: "server_error" });

  const audio = { type: "input_audio" as const, input_audio: { data: "AAAA", format: "wav" as const } };
  const heard = { messages: [{ role: "user" as const, content: [audio] }] };
  const { data, response } = await scene.openai.chat.completions.create({ model: "primary", ...heard }).withResponse();
  expect(data.choices[0]?.message.content).toBe("from third");
  expect(response.headers.get("x-sallyport-fallback")).toBe("server_error, unsupported");
  const error = await scene.openai.chat.completions
    .create({ model: "only-claude", ...heard })
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ status: 500, message: expect.stringContaining("The engine is broken.") });
  expect(second.calls).toBe(1);
});
