import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createCatalog } from "../../src/inference/catalog.ts";
import { checkFallbacks, checkPools, inferenceConfig } from "../../src/inference/config.ts";

const schema = z.strictObject(inferenceConfig);
const problems = (model: unknown) =>
  schema.safeParse({ models: { m: model } }).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);

describe("the configuration of models", () => {
  it("takes the forms a person writes and knows each provider's usual address", () => {
    const config = schema.parse({
      models: {
        "gpt-4o": { provider: "openai", key: "k" },
        small: { provider: "openai", key: "k", model: "gpt-4o-mini", url: "https://proxy.example.com/openai/v1/" },
        llama: { provider: "vllm", url: "http://vllm-0:8000" },
        "llama3.2:3b": { provider: "ollama" },
        claude: { provider: "anthropic", model: "claude-opus", key: "k" },
        other: { provider: "openai-compatible", url: "https://models.example.com/api/v3", key: "k" },
      },
    });
    const catalog = createCatalog(config);
    expect(
      [...catalog.values()].map(({ name, upstreamName, server }) => [
        name,
        upstreamName,
        server.baseUrl,
        server.headers["authorization"] ?? server.headers["x-api-key"],
      ]),
    ).toEqual([
      ["gpt-4o", "gpt-4o", "https://api.openai.com/v1", "Bearer k"],
      ["small", "gpt-4o-mini", "https://proxy.example.com/openai/v1", "Bearer k"],
      ["llama", "llama", "http://vllm-0:8000/v1", undefined],
      ["llama3.2:3b", "llama3.2:3b", "http://127.0.0.1:11434/v1", undefined],
      ["claude", "claude-opus", "https://api.anthropic.com/v1", "k"],
      ["other", "other", "https://models.example.com/api/v3", "Bearer k"],
    ]);
  });

  it.each([
    [{ provider: "openai", key: "k", fallback: "x" }, "models.m.fallback: "],
    [{ provider: "openai", key: "k", fallback: [] }, "models.m.fallback: "],
    [{ provider: "openai", key: "k", firstTokenTimeout: 10 }, "models.m.firstTokenTimeout: "],
    [{ provider: "openai", key: "k", firstTokenTimeout: "0s" }, "models.m.firstTokenTimeout: more than nothing"],
    [{ choose: [], otherwise: "x" }, "models.m.choose: "],
    [{ choose: [{ when: "true", use: "x" }] }, "models.m.otherwise: "],
    [{ choose: [{ if: "true", use: "x", when: "true" }], otherwise: "x" }, 'Unrecognized key: "if"'],
    [{ choose: [{ when: "true", use: "x" }], otherwise: "x", mode: "dark" }, "models.m.mode: shadow, or nothing"],
    [{ choose: [{ when: "true", use: "x" }], otherwise: "x", fallback: ["y"] }, 'Unrecognized key: "fallback"'],
    [{ model: "x" }, "models.m: a model has a `provider`, a `pool`, or a `choose` among the others; `provider` is one"],
    ["x", "models.m: a model has a `provider`, a `pool`, or a `choose`"],
    [{ pool: "local", url: "http://vllm" }, 'models.m: Unrecognized key: "url"'],
    [{ pool: "local", provider: "vllm" }, 'models.m: Unrecognized key: "pool"'],
    [{ pool: "" }, "models.m.pool: "],
    [{ provider: "gemini", key: "k" }, "models.m.provider: `provider` is one of `openai`, `anthropic`"],
    [{ provider: "anthropic" }, "models.m.key: "],
    [{ provider: "anthropic", key: "k", beta: ["a,b"] }, "models.m.beta.0: a beta is one word"],
    [{ provider: "openai" }, "models.m.key: "],
    [{ provider: "openai-compatible" }, "models.m.url: an http or https address"],
    [{ provider: "vllm", url: "ftp://vllm" }, "models.m.url: an http or https address"],
    [{ provider: "vllm", url: "http://user:pass@vllm" }, "models.m.url: no query, fragment or user in it"],
    [{ provider: "vllm", uri: "http://vllm" }, 'models.m: Unrecognized key: "uri"'],
  ])("refuses what it cannot honour: %j", (model, problem) => {
    expect(problems(model)).toEqual([expect.stringContaining(problem)]);
  });

  it("refuses a name that no header or label could carry", () => {
    expect(schema.safeParse({ models: { "two words": { provider: "ollama" } } }).success).toBe(false);
  });

  it("refuses a pool that there is not, and says which is meant", () => {
    const pools = { local: { engine: "vllm", endpoints: ["http://vllm-0:8000"] } };
    const check = (pool: string) => checkPools(schema.parse({ models: { m: { pool } }, pools }));
    expect(check("local")).toEqual([]);
    expect(check("loca")).toEqual([
      { path: ["models", "m", "pool"], message: "no such entry in `pools`; did you mean local?" },
    ]);
  });

  it.each([
    [{ engine: "vllm" }, "pools.p: give either `endpoints` or `dns`"],
    [{ engine: "vllm", endpoints: ["http://a:1"], dns: "http://a:1" }, "pools.p: give either `endpoints` or `dns`"],
    [{ engine: "vllm", dns: "https://a:1" }, "pools.p.dns: http: addresses have no name"],
    [
      { engine: "vllm", endpoints: ["http://a:1"], metrics: { every: "99ms" } },
      "pools.p.metrics.every: from 100ms to 10s",
    ],
    [
      { engine: "vllm", endpoints: ["http://a:1"], priority: [{ when: "mcp.method == 'x'", is: 1 }] },
      "pools.p.priority.0.when: mcp cannot be used here",
    ],
    [{ engine: "vllm", endpoints: ["http://a:1"], queue: { waiting: 0 } }, "pools.p.queue.waiting: "],
    [
      { engine: "openai-compatible", endpoints: [], metrics: {} },
      "pools.p.metrics: of this engine no metrics are known",
    ],
    [{ engine: "vllm", endpoints: ["http://a:1", "http://a:1"] }, "pools.p.endpoints: an endpoint is listed twice"],
    [{ engine: "vllm", endpoints: ["a:1"] }, "pools.p.endpoints.0: an http or https address"],
    [{ engine: "tgi", endpoints: ["http://a:1"] }, "pools.p.engine: "],
    [{ engine: "vllm", endpoints: ["http://a:1"], pick: "best" }, "pools.p.pick: "],
    [{ engine: "vllm", endpoints: ["http://a:1"], pick: { scorers: [] } }, "pools.p.pick.scorers: "],
  ])("refuses a pool it cannot honour: %j", (pool, problem) => {
    const { error } = schema.safeParse({ pools: { p: pool } });
    expect(error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`)).toEqual([
      expect.stringContaining(problem),
    ]);
  });

  const withFallbacks = (fallbacks: Readonly<Record<string, readonly string[]>>) =>
    schema.parse({
      models: Object.fromEntries(
        Object.entries(fallbacks).map(([name, fallback]) => [
          name,
          { provider: "ollama", ...(fallback.length > 0 && { fallback }) },
        ]),
      ),
    });

  it("takes a list of models that step in, in its order", () => {
    const config = withFallbacks({ "gpt-4o": ["claude", "llama"], claude: ["llama"], llama: [] });
    expect(checkFallbacks(config)).toEqual([]);
    const catalog = createCatalog(config);
    expect(catalog.get("gpt-4o")?.fallback.map(({ name }) => name)).toEqual(["claude", "llama"]);
    expect(catalog.get("llama")?.fallback).toEqual([]);
  });

  it.each([
    ["each other", { a: ["b"], b: ["a"] }, { a: ["b"], b: ["a"] }],
    ["each other in a circle", { a: ["b"], b: ["c"], c: ["a"] }, { a: ["b", "c"], b: ["c", "a"], c: ["a", "b"] }],
    [
      "a model, and others for them: its own come first, each once",
      { a: ["b", "c"], b: ["d", "c"], c: ["a", "e"], d: [], e: [] },
      { a: ["b", "c", "d", "e"], b: ["d", "c", "a", "e"], c: ["a", "e", "b", "d"], d: [], e: [] },
    ],
  ] as const)("lets models step in for %s", (_, fallbacks, candidates) => {
    const config = withFallbacks(fallbacks);
    expect(checkFallbacks(config)).toEqual([]);
    const catalog = [...createCatalog(config).values()];
    const named = catalog.map(({ name, fallback }) => [name, fallback.map((other) => other.name)]);
    expect(Object.fromEntries(named)).toEqual(candidates);
  });

  it("tells apart what does not fail together: another address, another model, another account", () => {
    const at = { provider: "vllm", url: "http://vllm-0:8000" };
    const catalog = createCatalog(
      schema.parse({
        models: {
          a: { ...at, model: "m", key: "one" },
          again: { ...at, model: "m", key: "one" },
          elsewhere: { ...at, url: "http://vllm-1:8000", model: "m", key: "one" },
          other: { ...at, model: "n", key: "one" },
          account: { ...at, model: "m", key: "two" },
        },
      }),
    );
    expect([...catalog.values()].map(({ upstream }) => upstream)).toEqual([
      "m at http://vllm-0:8000/v1",
      "m at http://vllm-0:8000/v1",
      "m at http://vllm-1:8000/v1",
      "n at http://vllm-0:8000/v1",
      "m at http://vllm-0:8000/v1 as account",
    ]);
  });

  it.each([
    ["that nobody defined, and says who is meant", { a: ["lama"], llama: [] }, ["a", 0], "did you mean llama?"],
    ["that nobody defined", { a: ["something-else"] }, ["a", 0], "no such entry in `models`"],
    ["that is the model itself", { a: ["a"] }, ["a", 0], "a model cannot step in for itself"],
    ["that is named twice", { a: ["b", "b"], b: [] }, ["a", 1], "named twice"],
  ] as const)("refuses a fallback %s", (_, fallbacks, [model, index], words) => {
    expect(checkFallbacks(withFallbacks(fallbacks))).toContainEqual({
      path: ["models", model, "fallback", index],
      message: expect.stringContaining(words),
    });
  });
});
