import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { ask, type CacheScene, startCacheScene } from "./cache-scene.ts";
import { type EmbeddingsProvider, startEmbeddingsProvider } from "./embeddings-provider.ts";

const dir = mkdtempSync(join(tmpdir(), "sallyport-embedder-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
let provider: EmbeddingsProvider;
let scene: CacheScene;

const models = (url: string) => `{
  small: {provider: vllm, url: "SIMULATOR", price: {input: "$1", output: "$2"}},
  minilm: {provider: openai-compatible, url: "${url}", price: {input: "$10", output: "$0"}}
}`;

async function start(embedder: string, branches: Readonly<Record<string, string>> = {}): Promise<void> {
  scene = await startCacheScene({
    models: models(provider.url),
    cache: `{semantic: {embedder: ${embedder}}}`,
    ...branches,
  });
}

async function statusOf(question: string): Promise<string | null> {
  const response = await scene.send("chat/completions", ask(question));
  await response.text();
  expect([response.status, response.headers.get("x-sallyport-model")]).toEqual([200, "small"]);
  return response.headers.get("cache-status");
}

const hit = expect.stringContaining("sallyport; hit");
const miss = "sallyport; fwd=miss; stored";

beforeEach(async () => {
  provider = await startEmbeddingsProvider();
});
afterEach(async () => {
  await scene.close();
  await provider.close();
});

describe("a cache whose embedder is a model", () => {
  test("serves a question in other words, which the words alone would not find", async () => {
    await start("{model: minilm}");
    expect(await statusOf("How do I fix a flat tyre?")).toBe(miss);
    expect(await statusOf("How do I repair a punctured tire?")).toEqual(hit);
    expect(await statusOf("How do I paint a bicycle?")).toBe(miss);
    expect(provider.asked[0]).toEqual({
      model: "minilm",
      input: "How do I fix a flat tyre?",
      encoding_format: "float",
    });
  });

  test("reads vectors in base64, and asks for a text it has seen only once", async () => {
    await start("{model: minilm, encoding: base64, dimensions: 8}");
    expect(await statusOf("How do I fix a flat tyre?")).toBe(miss);
    expect(await statusOf("How do I repair a punctured tire?")).toEqual(hit);
    expect(await statusOf("How do I repair a punctured tire?")).toEqual(hit);
    expect(provider.asked).toHaveLength(2);
    expect(provider.asked[1]).toMatchObject({ encoding_format: "base64", dimensions: 8 });
  });

  test("charges its caller, says in the journal whose call it was, and asks no policy of the caller's", async () => {
    const rules = join(dir, "rules.yaml");
    writeFileSync(rules, `rules: [{name: only small, on: llm, allow: 'llm.model == "small"'}]`);
    await start("{model: minilm}", { policies: rules });
    expect(await statusOf("How do I fix a flat tyre?")).toBe(miss);
    const direct = await scene.send("embeddings", { model: "minilm", input: "x" });
    expect(direct.status).toBe(404);
    const [, , own] = await scene.journal();
    expect(own).toMatchObject({
      method: "embeddings",
      target: { name: "minilm" },
      decision: { allow: true, rule: "the gateway's own" },
      notes: ["the gateway's own call: an embedding for the cache"],
      usage: { inputTokens: 7 },
      costNanos: 70_000,
      outcome: "ok",
    });
    const report = (await scene.admin("GET", "/api/spend?by=model")) as { lines: readonly object[] };
    expect(report.lines).toContainEqual(expect.objectContaining({ name: "minilm", calls: 1, costNanos: 70_000 }));
  });

  test("sends the call as it is when the embedder fails, hangs or lies, and says so", async () => {
    await start("{model: minilm, timeout: 100ms}");
    for (const behaviour of ["fails", "hangs", "lies"] as const) {
      provider.behaviour = behaviour;
      expect(await statusOf(`How do I fix a flat tyre if it ${behaviour}?`)).toBe(miss);
    }
    const notes = (await scene.journal()).flatMap((record) => record.notes ?? []);
    const told = notes.filter((note) => note.startsWith("cache: "));
    expect(told).toEqual([
      "cache: similar questions were not looked for (embedder upstream_invalid)",
      "cache: similar questions were not looked for (embedder upstream_timeout)",
      "cache: similar questions were not looked for (embedder upstream_unavailable)",
    ]);
    expect(await scene.metric("cache_semantic_failures_total", 'part="embedder"')).toBe(3);
    expect(await statusOf("How do I fix a flat tyre if it fails?")).toEqual(hit);
  });

  test("begins anew when the embedder's vectors have another number of dimensions", async () => {
    await start("{model: minilm}");
    expect(await statusOf("How do I fix a flat tyre?")).toBe(miss);
    provider.dimensions = 16;
    expect(await statusOf("How do I repair a punctured tire?")).toBe(miss);
    expect(await statusOf("How do I mend a punctured tire?")).toEqual(hit);
  });

  test("is a miss where no budget has room for the embedding, and the call itself is not refused for that", async () => {
    await start("{model: minilm}", { budgets: '[{name: tiny, limits: ["1 token/month on minilm"]}]' });
    expect(await statusOf("How do I fix a flat tyre?")).toBe(miss);
    expect(provider.asked).toHaveLength(0);
    const notes = (await scene.journal()).flatMap((record) => record.notes ?? []);
    expect(notes).toContain("cache: similar questions were not looked for (embedder budget_exhausted)");
  });

  test("an embedder that is no model is refused when the configuration is loaded", async () => {
    await start("lexical");
    expect(() => scene.load({ cache: "{semantic: {embedder: {model: minilmm}}}" })).toThrow(
      /cache\.semantic\.embedder\.model = "minilmm"\s+no such entry in `models`; did you mean minilm\?/,
    );
  });
});
