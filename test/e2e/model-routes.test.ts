import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KEY, type ServicesScene, startServicesScene } from "../services/services-scene.ts";
import { chat, clientOf, type Served, startModels } from "./model-routes-scene.ts";

let a: Served;
let b: Served;
let scene: ServicesScene;

const pool = ({ url }: Served, more = "") => `{engine: openai-compatible, endpoints: ["${url}"]${more}}`;

beforeAll(async () => {
  [a, b] = await Promise.all([startModels("a", "llama", "support-v3"), startModels("b", "llama")]);
  scene = await startServicesScene(`
models:
  known: {pool: models/a, model: llama}
  elsewhere: {pool: models/b, model: llama}
pools:
  models/a: ${pool(a, ", headers: {x-api-key: of-the-pool}")}
  models/b: ${pool(b)}
  models/none: {engine: vllm, endpoints: []}
routes:
  chat/plain: {auth: optional, tenant: guests, rules: [{match: {path: /chat}, to: {pool: models/a}}]}
  chat/closed: {rules: [{match: {path: /closed}, to: {pool: models/a}}]}
  chat/host: {hosts: [llm.example.com], auth: optional, rules: [{to: {pool: models/b}}]}
  chat/rewritten: {auth: optional, rules: [{match: {path: /ai}, filters: [{rewrite: {path: {prefix: /v1}}}], to: {pool: models/a}}]}
  chat/shares: {auth: optional, rules: [{match: {path: /shares}, to: [{pool: models/a, weight: 2}, {pool: models/b}, {unresolved: no such pool}]}]}
  chat/empty: {auth: optional, rules: [{match: {path: /empty}, to: {pool: models/none}}]}
  chat/pinned: {auth: optional, rules: [{match: {path: /pinned}, to: {model: elsewhere}}]}
  chat/edited:
    auth: optional
    rules:
      - match: {path: /edited}
        filters:
          - {requestHeaders: {set: {x-tier: gold, x-api-key: mine}, add: {user-agent: edited}}}
          - {responseHeaders: {set: {x-served-by: gateway}, remove: [x-sallyport-model]}}
          - {cors: {origins: ["https://app.example.com"], methods: [POST], headers: [content-type], expose: [x-request-id]}}
        to: {pool: models/a}
`);
});
afterAll(async () => {
  await scene.close();
  await Promise.all([a.close(), b.close()]);
});

describe("a rule that goes to a pool serves models", () => {
  test("to the official client, by whatever name its servers know", async () => {
    const client = clientOf(scene, "/chat/v1");
    const answer = await client.chat.completions.create({
      model: "llama",
      messages: [{ role: "user", content: "so?" }],
    });
    expect(answer.choices[0]?.message.content).toBe("a says yes");
    expect(a.calls.at(-1)).toMatchObject({ path: "/v1/chat/completions", body: { model: "llama" } });
    const stream = await client.chat.completions.create({
      model: "support-v3",
      messages: [{ role: "user", content: "so?" }],
      stream: true,
    });
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    expect(text).toBe("a says yes");
  });

  test("in Anthropic's dialect too", async () => {
    const answer = await scene.ask("/chat/v1/messages", {
      method: "POST",
      headers: { "content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": "theirs" },
      body: JSON.stringify({ model: "llama", max_tokens: 50, messages: [{ role: "user", content: "so?" }] }),
    });
    expect(JSON.parse(answer.text())).toMatchObject({ type: "message", content: [{ text: "a says yes" }] });
  });

  test("by the entry of `models` where one of that name leads there, and as asked where it leads elsewhere", async () => {
    expect((await chat(scene, "/chat/v1/chat/completions", "known")).status).toBe(200);
    expect(a.calls.at(-1)?.body).toMatchObject({ model: "llama" });
    const other = await chat(scene, "/chat/v1/chat/completions", "elsewhere");
    expect([other.status, other.text()]).toEqual([404, expect.stringContaining("no elsewhere here")]);
    expect(a.calls.at(-1)?.body).toMatchObject({ model: "elsewhere" });
  });

  test("under a host of its own, where the gateway's own paths are not", async () => {
    const own = await chat(scene, "/v1/chat/completions", "llama", { host: "llm.example.com" });
    expect(own.text()).toContain("b says yes");
    expect((await chat(scene, "/v1/chat/completions", "llama", { headers: { "x-api-key": KEY } })).status).toBe(404);
  });

  test("under a path that is rewritten", async () => {
    expect((await chat(scene, "/ai/chat/completions", "llama")).status).toBe(200);
  });

  test("and says which paths there are where it is none of them", async () => {
    const answer = await chat(scene, "/chat/v2/chat", "llama");
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.text())).toEqual({
      error: {
        message: expect.stringMatching(
          /^Unknown request URL: POST \/chat\/v2\/chat\. This route serves \/v1\/chat\/completions, .*\/v1\/models, here and below \/chat\.$/,
        ),
        type: "invalid_request_error",
        param: null,
        code: "unknown_url",
      },
    });
  });

  test("and lists what its servers list, and the entries that lead there", async () => {
    const list = await clientOf(scene, "/chat/v1").models.list();
    expect(list.data.map(({ id }) => id)).toEqual(["known", "llama", "support-v3"]);
    expect((await scene.ask("/chat/v1/models/support-v3")).status).toBe(200);
    expect((await scene.ask("/chat/v1/models/elsewhere")).status).toBe(404);
  });
});

describe("who may call", () => {
  test("its route says: without a credential the answer is a challenge in OpenAI's shape", async () => {
    const answer = await chat(scene, "/closed/v1/chat/completions", "llama");
    expect(answer.status).toBe(401);
    expect(answer.headers["www-authenticate"]).toContain('/.well-known/oauth-protected-resource"');
    expect(JSON.parse(answer.text())).toMatchObject({ error: { code: "invalid_api_key" } });
    expect((await chat(scene, "/closed/v1/chat/completions", "llama", { headers: { "x-api-key": KEY } })).status).toBe(
      200,
    );
  });

  test("a credential that is none of the gateway's opens nothing, closes nothing and goes nowhere", async () => {
    const headers = { authorization: "Bearer sk-of-another-place" };
    expect((await chat(scene, "/chat/v1/chat/completions", "llama", { headers })).status).toBe(200);
    expect(a.calls.at(-1)?.headers).not.toHaveProperty("authorization");
    expect((await chat(scene, "/closed/v1/chat/completions", "llama", { headers })).status).toBe(401);
  });
});

test("weights are shares, and that of a backend which there is not is answered 500 in OpenAI's shape", async () => {
  const before = [a.calls.length, b.calls.length];
  const answers = [];
  for (let count = 0; count < 40; count++) answers.push(await chat(scene, "/shares/v1/chat/completions", "llama"));
  const share = (part: readonly unknown[]) => part.length / 40;
  const failed = answers.filter(({ status }) => status === 500);
  expect(share(failed)).toBeCloseTo(0.25, 1);
  expect(share(a.calls.slice(before[0]))).toBeCloseTo(0.5, 1);
  expect(share(b.calls.slice(before[1]))).toBeCloseTo(0.25, 1);
  expect(JSON.parse(failed[0]!.text())).toMatchObject({ error: { code: "internal", param: null } });
  expect(failed[0]!.text()).not.toContain("no such pool");
});

test("a pool without endpoints is 503", async () => {
  const answer = await chat(scene, "/empty/v1/chat/completions", "llama");
  expect(answer.status).toBe(503);
  expect(answer.headers["x-llm-d-request-dropped-reason"]).toBe("rejected-no-endpoints");
});

test("a route to a model calls that one, whatever is asked for", async () => {
  const answer = await chat(scene, "/pinned/v1/chat/completions", "gpt-4o");
  expect([answer.status, answer.headers["x-sallyport-model"]]).toEqual([200, "elsewhere"]);
  expect(b.calls.at(-1)?.body).toMatchObject({ model: "llama" });
  const list = await clientOf(scene, "/pinned/v1").models.list();
  expect(list.data.map(({ id }) => id)).toEqual(["elsewhere"]);
});

describe("filters", () => {
  test("edit what model servers are told, but the gateway's own credential, and what callers are", async () => {
    const answer = await chat(scene, "/edited/v1/chat/completions", "llama", {
      headers: { origin: "https://app.example.com" },
    });
    expect(a.calls.at(-1)?.headers).toMatchObject({
      "x-tier": "gold",
      "x-api-key": "of-the-pool",
      "user-agent": "sallyport,edited",
    });
    expect(answer.headers).toMatchObject({
      "x-served-by": "gateway",
      "access-control-allow-origin": "https://app.example.com",
      "access-control-expose-headers": "x-request-id",
    });
    expect(answer.headers).not.toHaveProperty("x-sallyport-model");
  });

  test("answer preflights", async () => {
    const asked = { origin: "https://app.example.com", "access-control-request-method": "POST" };
    const answer = await scene.ask("/edited/v1/chat/completions", { method: "OPTIONS", headers: asked });
    expect([answer.status, answer.headers["access-control-allow-methods"]]).toEqual([204, "POST"]);
  });
});

test("callers who make up names of models do not put endpoints out of service", async () => {
  for (let count = 0; count < 30; count++) await chat(scene, "/chat/v1/chat/completions", `made-up-${count}`);
  expect((await chat(scene, "/chat/v1/chat/completions", "llama")).status).toBe(200);
});

test("callers who make up names of models do not fill metrics and reports", async () => {
  await chat(scene, "/chat/v1/chat/completions", "made-up");
  await chat(scene, "/chat/v1/chat/completions", "llama");
  const { body } = await scene.gateway.foundation.metrics.render();
  expect(body).toMatch(/upstream_duration_seconds_count\{[^}]*candidate="unknown"/);
  expect(body).toMatch(/upstream_duration_seconds_count\{[^}]*candidate="llama"/);
  const { lines } = await scene.gateway.foundation.spend.report("model", "day", 100);
  expect(lines.map(({ name }) => name)).toEqual(expect.arrayContaining(["llama", "unknown"]));
  expect(`${body}${JSON.stringify(lines)}`).not.toContain("made-up");
});
