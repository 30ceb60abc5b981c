import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, type CacheScene, startCacheScene } from "./cache-scene.ts";

const models = `{
  small: {provider: vllm, url: "SIMULATOR", price: {input: "$1", output: "$2"}},
  other: {provider: vllm, url: "SIMULATOR"},
  cut: {provider: vllm, url: "SIMULATOR", model: "cut@die=3"},
  unfinished: {provider: vllm, url: "SIMULATOR", model: "unfinished@no-done"},
  broken: {provider: vllm, url: "SIMULATOR", model: "broken@status=500", fallback: [backup]},
  backup: {provider: vllm, url: "SIMULATOR"}
}`;
const policies = `{rules: [
  {name: all is open, allow: 'true'},
  {name: first only, on: llm, deny: 'llm.model == "backup" && "x-only" in request.headers'}
  ]}`;

let scene: CacheScene;
beforeAll(async () => {
  scene = await startCacheScene({
    models,
    policies,
    cache: "{ttl: 1h, models: [small, cut, unfinished, broken], semantic: {embedder: lexical}}",
  });
});
afterAll(() => scene.close());

let serial = 0;
/** A question that nobody has asked. */
const fresh = () => `What is the meaning of code${(serial += 1)}x${serial * 7}?`;

async function statusOf(body: object, headers: Readonly<Record<string, string>> = {}, path = "chat/completions") {
  const response = await scene.send(path, body, { headers });
  await response.arrayBuffer().catch(() => undefined);
  return response.headers.get("cache-status") ?? String(response.status);
}
const HIT = expect.stringMatching(/^sallyport; hit; ttl=3[56]\d\d$/);
const STORED = "sallyport; fwd=miss; stored";

test("cache-control: what a request asks of the cache is done", async () => {
  const question = ask(fresh());
  expect(await statusOf(question, { "cache-control": "only-if-cached" })).toBe(
    "sallyport; fwd=miss; detail=only-if-cached",
  );
  expect(await statusOf(question, { "cache-control": "no-store" })).toBe("sallyport; fwd=bypass; detail=no-store");
  expect(await statusOf(question)).toBe(STORED);
  expect(await statusOf(question, { "cache-control": "only-if-cached" })).toEqual(HIT);
  expect(await statusOf(question, { "cache-control": "max-age=60" })).toEqual(HIT);
  expect(await statusOf(question, { "cache-control": "max-age=0" })).toBe(STORED);
  expect(await statusOf(question, { "cache-control": "no-cache" })).toBe(STORED);
  expect(await statusOf(question, { "cache-control": "no-cache, only-if-cached" })).toContain("only-if-cached");
  expect(await statusOf(question)).toEqual(HIT);
});

test("what is not in the cache is refused in each dialect where nothing else is wanted, and no client tries again", async () => {
  const headers = { "cache-control": "only-if-cached" };
  const openai = await scene.send("chat/completions", ask(fresh()), { headers });
  expect([openai.status, openai.headers.get("x-should-retry")]).toEqual([504, "false"]);
  expect(await openai.json()).toMatchObject({ error: { type: "invalid_request_error", message: expect.any(String) } });
  const anthropic = await scene.send("messages", { ...ask(fresh()), max_tokens: 9 }, { headers });
  expect(anthropic.status).toBe(504);
  expect(await anthropic.json()).toMatchObject({ type: "error", error: { type: "invalid_request_error" } });
});

test("a question is found again after its answer was made anew", async () => {
  const question = ask("How do I change the owner of a shared folder?");
  expect(await statusOf(question)).toBe(STORED);
  expect(await statusOf(question, { "cache-control": "no-cache" })).toBe(STORED);
  expect(await statusOf(ask("How can I change a shared folder's owner?"))).toContain("detail=semantic");
});

test("an answer that calls a tool, breaks off or lacks its end is never kept", async () => {
  const tools = [{ type: "function", function: { name: "get_time", parameters: { type: "object", properties: {} } } }];
  const calling = ask("Please get time", { tools });
  for (const body of [
    calling,
    { ...calling, stream: true },
    { ...ask(fresh()), model: "cut", stream: true },
    { ...ask(fresh()), model: "unfinished", stream: true },
    { ...ask(fresh()), max_tokens: 1 },
  ])
    expect([await statusOf(body), await statusOf(body)]).toEqual(["sallyport; fwd=miss", "sallyport; fwd=miss"]);
});

test("what refers to what its provider keeps, or to the world of today, goes by the cache", async () => {
  const question = ask(fresh());
  expect(await statusOf({ ...question, store: true })).toBe("sallyport; fwd=bypass; detail=state");
  expect(await statusOf({ ...question, web_search_options: {} })).toBe("sallyport; fwd=bypass; detail=live");
  expect(await statusOf({ ...question, store: false })).toBe(STORED);
  expect(await statusOf(ask("x".repeat(4_200_000)))).toBe("sallyport; fwd=bypass; detail=large");
});

test("a stream that is given again shows its usage to those who asked for it, and to nobody else", async () => {
  const question = ask(fresh(), { stream: true });
  for (const asked of [question, { ...question, stream_options: { include_usage: true } }]) {
    const text = await (await scene.send("chat/completions", asked)).text();
    const again = await scene.send("chat/completions", asked);
    expect(again.headers.get("cache-status")).toEqual(HIT);
    expect(await again.text()).toBe(text);
    expect(text.includes('"choices":[]')).toBe("stream_options" in asked);
  }
});

test("images, several answers, embeddings and completions have equal calls only", async () => {
  const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
  const shown = (text: string) => ({
    model: "small",
    messages: [{ role: "user", content: [{ type: "text", text }, image] }],
  });
  const pairs: [object, object, string][] = [
    [shown("How do I reset my password?"), shown("What is the password reset process?"), "chat/completions"],
    [
      ask("How do I reset my password?", { n: 2 }),
      ask("What is the password reset process?", { n: 2 }),
      "chat/completions",
    ],
    [
      { model: "small", prompt: "How do I reset my password?" },
      { model: "small", prompt: "What is the password reset process?" },
      "completions",
    ],
    [
      { model: "small", input: "How do I reset my password?" },
      { model: "small", input: "What is the password reset process?" },
      "embeddings",
    ],
  ];
  for (const [one, other, path] of pairs) {
    const statuses = [await statusOf(one, {}, path), await statusOf(other, {}, path), await statusOf(one, {}, path)];
    expect(statuses).toEqual([STORED, STORED, HIT]);
  }
});

test("in the middle of a tool's work only an equal call is answered", async () => {
  const called = {
    role: "assistant",
    content: null,
    tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: "{}" } }],
  };
  const loop = (content: string) => ({
    model: "small",
    messages: [{ role: "user", content: "Look it up" }, called, { role: "tool", tool_call_id: "1", content }],
  });
  expect(await statusOf(loop("How do I reset my password?"))).toBe(STORED);
  expect(await statusOf(loop("What is the password reset process?"))).toBe(STORED);
  expect(await statusOf(loop("How do I reset my password?"))).toEqual(HIT);
});

test("models that are not named, and counts of tokens, have no cache", async () => {
  const question = { ...ask(fresh()), model: "other", max_tokens: 9 };
  expect([await statusOf(question), await statusOf(question)]).toEqual(["200", "200"]);
  expect(await statusOf({ ...question, model: "small" }, {}, "messages/count_tokens")).toBe("200");
  /* Where nothing is ever kept, nothing is what there is. */
  const stored = { "cache-control": "only-if-cached" };
  expect(await statusOf(question, stored)).toContain("only-if-cached");
  expect(await statusOf({ ...question, model: "small" }, stored, "messages/count_tokens")).toContain("only-if-cached");
});

test("an answer of the model that stepped in is given again, and only to whom that model may answer", async () => {
  const question = { ...ask(fresh()), model: "broken" };
  const first = await scene.send("chat/completions", question);
  expect([first.headers.get("x-sallyport-model"), first.headers.get("cache-status")]).toEqual(["backup", STORED]);
  const again = await scene.send("chat/completions", question);
  expect([again.headers.get("x-sallyport-model"), again.headers.get("cache-status")]).toEqual(["backup", HIT]);
  expect(await again.text()).toBe(await first.text());
  const refused = await scene.send("chat/completions", question, { headers: { "x-only": "first" } });
  expect(refused.status).toBeGreaterThanOrEqual(500);
});

test("a hit costs nothing, uses nothing, and says in the journal which it was; what it saved is counted", async () => {
  const question = ask(fresh());
  const before = {
    tokens: await scene.metric("cache_saved_tokens_total", 'model="small"'),
    dollars: await scene.metric("cache_saved_dollars_total", 'model="small"'),
  };
  await statusOf(question);
  const made = (await scene.journal())[0]!;
  const used = made.usage as { inputTokens: number; outputTokens: number };
  const tokensUsed = await scene.metric("tokens_total");
  expect(await statusOf(question)).toEqual(HIT);
  expect(await scene.metric("tokens_total")).toBe(tokensUsed);
  const record = (await scene.journal())[0]!;
  expect(record).toMatchObject({ outcome: "ok", candidate: "small", costNanos: 0 });
  expect(record.usage).toBeUndefined();
  expect(record.notes).toEqual([expect.stringMatching(/^cache: exact hit, key [\w-]{43}$/)]);
  expect(await scene.metric("cache_saved_tokens_total", 'model="small"')).toBe(
    before.tokens + used.inputTokens + used.outputTokens,
  );
  expect(await scene.metric("cache_saved_dollars_total", 'model="small"')).toBeCloseTo(
    before.dollars + made.costNanos! / 1e9,
    12,
  );
});

test("other rules and another model's configuration find nothing, and those of before find theirs again", async () => {
  const question = ask(fresh());
  expect(await statusOf(question)).toBe(STORED);
  await scene.gateway.reload(scene.load({ policies: policies.replace("x-only", "x-other") }));
  expect(await statusOf(question)).toBe(STORED);
  await scene.gateway.reload(
    scene.load({ models: models.replace('price: {input: "$1"', 'maxTokens: 900, price: {input: "$1"') }),
  );
  expect(await statusOf(question)).toBe(STORED);
  await scene.gateway.reload(scene.load());
  expect(await statusOf(question)).toEqual(HIT);
});

test("guards look at a hit as at any answer, and what they change in a request is neither looked up nor kept", async () => {
  const question = ask("What is the capital of Norway, and who is ada@example.com?");
  expect([await statusOf(question), await statusOf({ ...question, stream: true })]).toEqual([
    STORED,
    "sallyport; fwd=miss",
  ]);
  const calls = scene.calls();
  const guarded = (guards: string) => scene.gateway.reload(scene.load({ guardrails: guards }));
  await guarded('[{type: pattern, reject: ["Norway"], direction: output, message: "Rejected: countries."}]');
  for (const stream of [false, true]) {
    const refused = await scene.send("chat/completions", { ...question, stream });
    expect(await refused.text()).toContain("Rejected: countries.");
  }
  expect(scene.calls()).toBe(calls);
  await guarded('[{type: pattern, reject: ["capital"], direction: input, message: "Rejected: capitals."}]');
  expect(await statusOf(question)).toBe("403");
  await guarded("[{type: pii, mask: [email], restore: true}]");
  for (let times = 0; times < 2; times++) expect(await statusOf(question)).toBe("sallyport; fwd=bypass; detail=edited");
  await guarded("[]");
  expect(await statusOf(question)).toEqual(HIT);
});

test("a flush takes the answers of a tenant, a model, or former rules", async () => {
  const flush = async (which: object) =>
    ((await scene.admin("POST", "/api/cache/flush", which)) as { flushed: number }).flushed;
  await flush({});
  const question = ask(fresh());
  for (const as of ["ada", "bob", "eve"] as const)
    await (await scene.send("chat/completions", question, { as })).text();
  await statusOf({ ...question, model: "broken" });
  const report = (await scene.admin("GET", "/api/cache")) as { entries: number; lines: readonly object[] };
  expect(report.entries).toBe(4);
  expect(report.lines).toContainEqual(expect.objectContaining({ tenant: "a", model: "small", entries: 2 }));
  expect(await flush({ tenant: "b" })).toBe(1);
  expect(await flush({ model: "broken" })).toBe(1);
  expect(await flush({ policyHash: "0".repeat(64) })).toBe(0);
  const { policyHash } = (await scene.admin("GET", "/api/status")) as { policyHash: string };
  expect(await flush({ policyHash: policyHash.slice(0, 8) })).toBe(2);
  expect(await scene.metric("cache_entries")).toBe(0);
  expect(await scene.admin("POST", "/api/cache/flush", { models: "small" })).toMatchObject({
    error: expect.any(Object),
  });
});

test("a cache that is configured anew begins empty, and the figures are its own", async () => {
  await statusOf(ask(fresh()));
  expect(await scene.metric("cache_entries")).toBeGreaterThan(0);
  await scene.gateway.reload(scene.load({ cache: "{ttl: 30m}" }));
  expect(await scene.metric("cache_entries")).toBe(0);
  await statusOf(ask(fresh()));
  expect([await scene.metric("cache_entries"), (await scene.metric("cache_bytes")) > 0]).toEqual([1, true]);
});

test("a cache that is not configured does not show, and is no cost", async () => {
  await scene.gateway.reload(scene.load({ cache: "" }));
  const question = ask(fresh());
  expect([await statusOf(question), await statusOf(question)]).toEqual(["200", "200"]);
  expect(await scene.admin("GET", "/api/cache")).toMatchObject({ error: { type: "not_found" } });
  expect(await scene.metric("cache_entries")).toBe(0);
});
