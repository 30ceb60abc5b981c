import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterEach, describe, expect, it } from "vitest";
import { Accelerator } from "../../models/simulator/accelerator.ts";
import type { Work } from "../../models/simulator/accelerator.ts";
import { createEngine } from "../../models/simulator/engine.ts";
import { startSimulator } from "../../models/simulator/simulator.ts";
import type { Simulator, SimulatorOptions } from "../../models/simulator/simulator.ts";

const running: Simulator[] = [];
afterEach(async () => {
  for (const simulator of running.splice(0)) await simulator.close();
});

async function start(options: SimulatorOptions = {}): Promise<{ url: string; client: OpenAI }> {
  const simulator = await startSimulator(options);
  running.push(simulator);
  return {
    url: simulator.url,
    client: new OpenAI({ baseURL: `${simulator.url}/v1`, apiKey: options.key ?? "any", maxRetries: 0 }),
  };
}

const ask = (content: string) => ({ model: "simulated", messages: [{ role: "user" as const, content }] });
const weather = {
  type: "function" as const,
  function: {
    name: "get_weather",
    parameters: {
      type: "object",
      properties: {
        city: { type: "string" },
        days: { type: "integer" },
        unit: { enum: ["C", "F"] },
        note: { type: "string" },
      },
      required: ["city", "days", "unit"],
    },
  },
};

describe("the simulated model", () => {
  it("gives the same answer to the same question", async () => {
    const { client } = await start();
    const [first, second] = [
      await client.chat.completions.create(ask("Why?")),
      await client.chat.completions.create(ask("Why?")),
    ];
    expect(first.choices).toEqual(second.choices);
    expect(first.usage).toEqual(second.usage);
  });

  it("calls the tool a question names, with arguments out of the question", async () => {
    const { client } = await start();
    const answer = await client.chat.completions.create({
      ...ask('Get weather for "Oslo", 3 days, in F'),
      tools: [weather],
    });
    expect(answer.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: { content: null, tool_calls: [{ type: "function", function: { name: "get_weather" } }] },
    });
    const call = answer.choices[0]?.message.tool_calls?.[0];
    expect(call?.type === "function" && JSON.parse(call.function.arguments)).toEqual({
      city: "Oslo",
      days: 3,
      unit: "F",
    });
    const other = await client.chat.completions.create({ ...ask("What is the time?"), tools: [weather] });
    expect(other.choices[0]?.message.tool_calls).toBeUndefined();
  });

  it("streams a tool call that the official SDK can put together", async () => {
    const { client } = await start();
    const stream = client.chat.completions.stream({ ...ask('get_weather "Oslo" 2'), tools: [weather] });
    const message = (await stream.finalChatCompletion()).choices[0]?.message;
    expect(message?.tool_calls?.[0]).toMatchObject({
      function: { name: "get_weather", arguments: '{"city":"Oslo","days":2,"unit":"C"}' },
    });
  });

  it("fits its answer to a schema, and stops at max_tokens", async () => {
    const { client } = await start();
    const schema = { type: "object", properties: { title: { type: "string" } }, required: ["title"] };
    const fitted = await client.chat.completions.create({
      ...ask('Call it "Gate"'),
      response_format: { type: "json_schema", json_schema: { name: "book", schema } },
    });
    expect(JSON.parse(fitted.choices[0]?.message.content ?? "")).toEqual({ title: "Gate" });
    const cut = await client.chat.completions.create({ ...ask("Why?"), max_tokens: 2 });
    expect(cut.choices[0]?.finish_reason).toBe("length");
    expect(cut.usage?.completion_tokens).toBe(2);
  });

  it("embeds texts that share words close together", async () => {
    const { client } = await start();
    const { data } = await client.embeddings.create({
      model: "simulated",
      input: ["the red gate", "the red door", "quantum soup"],
    });
    const close = (a: number, b: number) =>
      (data[a]?.embedding ?? []).reduce((sum, value, index) => sum + value * (data[b]?.embedding[index] ?? 0), 0);
    expect(close(0, 0)).toBeCloseTo(1);
    expect(close(0, 1)).toBeGreaterThan(close(0, 2));
  });

  it("asks for its key where it has one", async () => {
    const { client, url } = await start({ key: "right" });
    await expect(
      new OpenAI({ baseURL: `${url}/v1`, apiKey: "wrong", maxRetries: 0 }).chat.completions.create(ask("Hi")),
    ).rejects.toMatchObject({ status: 401 });
    await expect(client.chat.completions.create(ask("Hi"))).resolves.toMatchObject({ object: "chat.completion" });
  });

  it("fails on request only when faults are on", async () => {
    const { client } = await start();
    await expect(client.chat.completions.create({ ...ask("Hi"), model: "simulated@hang" })).rejects.toMatchObject({
      status: 400,
    });
    const faulty = await start({ faults: true });
    await expect(
      faulty.client.chat.completions.create(ask("Hi"), { headers: { "x-simulate": "status=503" } }),
    ).rejects.toMatchObject({ status: 503 });
  });

  it("exports vLLM's metrics", async () => {
    const { client, url } = await start();
    const answer = await client.chat.completions.create(ask("Why?"));
    const text = await (await fetch(`${url}/metrics`)).text();
    const value = (name: string) =>
      Number(new RegExp(`^${name}\\{model_name="simulated"\\} (.*)$`, "m").exec(text)?.[1]);
    expect(value("vllm:num_requests_running")).toBe(0);
    expect(value("vllm:num_requests_waiting")).toBe(0);
    expect(value("vllm:kv_cache_usage_perc")).toBe(0);
    expect(value("vllm:prompt_tokens_total")).toBe(answer.usage?.prompt_tokens);
    expect(value("vllm:generation_tokens_total")).toBe(answer.usage?.completion_tokens);
    expect(text).toContain('vllm:cache_config_info{block_size="16",num_gpu_blocks="2810"');
    expect(text).toContain('vllm:request_success_total{finished_reason="stop",model_name="simulated"} 1');
    expect(value("vllm:time_to_first_token_seconds_count")).toBe(1);
  });

  it("prints its address when it runs as a program", async () => {
    const program = fileURLToPath(new URL("../../models/simulator/server.ts", import.meta.url));
    const child = spawn(process.execPath, [program, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      const [line] = (await once(child.stdout, "data")) as [Buffer];
      const { url } = JSON.parse(line.toString()) as { url: string };
      expect((await fetch(`${url}/health`)).status).toBe(200);
    } finally {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
  });
});

describe("the engine", () => {
  const signal = new AbortController().signal;

  const ask = (promptTokens: number) => ({ prompt: [], promptTokens, outputTokens: 8 });

  it("lets sequences beyond its batch wait, and drops those that leave", async () => {
    const engine = createEngine({ timeScale: 1, maxSequences: 1, blocks: 100 });
    const { accelerator } = engine;
    const first = await engine.admit({ ...ask(32), prompt: [1, 2] }, signal);
    const leaving = new AbortController();
    const left = engine.admit(ask(32), leaving.signal);
    const third = engine.admit(ask(32), signal);
    // Two blocks of the prompt, and the answer's.
    expect([accelerator.running, accelerator.waiting, accelerator.cache.usage]).toEqual([1, 2, 0.03]);
    leaving.abort();
    expect(await left).toBeUndefined();
    first?.finish();
    (await third)?.finish();
    expect([accelerator.running, accelerator.waiting, accelerator.cache.usage]).toEqual([0, 0, 0]);
  });

  it("gives one token after another, and none once its reader has gone", async () => {
    const engine = createEngine({ timeScale: 0.001, maxSequences: 8, blocks: 100 });
    const reader = new AbortController();
    const sequence = await engine.admit(ask(32), reader.signal);
    expect(await sequence?.firstToken()).toBe(true);
    for (let token = 1; token < 8; token++) expect(await sequence?.nextToken()).toBe(true);
    expect(engine.accelerator.running).toBe(0);
    const gone = await engine.admit(ask(32), reader.signal);
    reader.abort();
    expect(await gone?.firstToken()).toBe(false);
    gone?.finish();
    expect(engine.accelerator.running).toBe(0);
  });
});

describe("the accelerator", () => {
  /** Runs requests to their ends in virtual time; gives when each had its first token and was done. */
  function run(requests: readonly (Partial<Work> & { readonly atMs?: number })[], options = {}) {
    const planned: { readonly timeMs: number; readonly run: () => void }[] = [];
    let nowMs = 0;
    const time = { now: () => nowMs, at: (timeMs: number, ready: () => void) => planned.push({ timeMs, run: ready }) };
    const accelerator = new Accelerator(time, {
      ...{ blocks: 2_810, blockTokens: 16, maxSequences: 8, maxAdapters: 1 },
      ...options,
    });
    const times = requests.map(() => ({ firstMs: 0, doneMs: 0 }));
    requests.forEach(({ atMs = 0, ...work }, at) =>
      time.at(atMs, () => {
        const told = times[at]!;
        accelerator.add({
          ...{ prompt: [], promptTokens: 100, outputTokens: 1 },
          ...work,
          firstToken: () => (told.firstMs = nowMs),
          done: () => (told.doneMs = nowMs),
        });
      }),
    );
    while (planned.length > 0) {
      planned.sort((a, b) => a.timeMs - b.timeMs);
      const next = planned.shift()!;
      nowMs = next.timeMs;
      next.run();
    }
    return { accelerator, times };
  }

  it("takes an accelerator's time: for prompts by their length, for tokens by what is in the batch", () => {
    const { times } = run([{ promptTokens: 10_000, outputTokens: 3 }]);
    expect(times[0]?.firstMs).toBeCloseTo(696.69);
    const [second, third] = [10_001, 10_002].map((tokens) => 14 + tokens * 5.35e-4 + 0.1026);
    expect(times[0]?.doneMs).toBeCloseTo(696.69 + second! + third!);
    // What comes while a step is under way is taken in by the next, and slows down the others.
    const slowed = run([{ promptTokens: 10_000, outputTokens: 3 }, { atMs: 1 }]).times;
    expect(slowed[1]?.firstMs).toBeCloseTo(696.69 + second! + 100 * 5.35e-4 + 40);
    expect(slowed[0]!.doneMs).toBeGreaterThan(times[0]!.doneMs + 39);
  });

  it("computes of a prompt what is not in its cache, and forgets the ends of those used longest ago", () => {
    const prompt = Array.from({ length: 60 }, (_, at) => at);
    const other = Array.from({ length: 60 }, (_, at) => 100 + at);
    const asked = { promptTokens: 964, prompt };
    const { accelerator, times } = run(
      [asked, { ...asked, atMs: 1_000 }, { promptTokens: 964, prompt: other, atMs: 2_000 }, { ...asked, atMs: 3_000 }],
      { blocks: 100 },
    );
    expect(times[1]!.firstMs - 1_000).toBeCloseTo(40);
    expect(times[0]!.firstMs).toBeCloseTo(19.69 + 964 * 0.0677);
    // 100 blocks: 61 of the third one and its answer, which leave 39 of the first.
    expect(accelerator.prompts.cached).toBe((60 + 39) * 16);
    expect(accelerator.prompts.computed).toBe(4 * 964 - (60 + 39) * 16);
  });

  it("loads an adapter that it does not hold, and lets others pass one that finds no slot", () => {
    const { accelerator, times } = run([
      { adapter: "a", outputTokens: 100 },
      { adapter: "b", atMs: 1 },
      { adapter: "a", atMs: 2 },
      { adapter: "a", atMs: 20_000 },
    ]);
    expect(times[0]?.firstMs).toBeCloseTo(340);
    expect(times[2]!.firstMs).toBeLessThan(times[0]!.doneMs);
    expect(times[1]!.firstMs).toBeGreaterThan(times[0]!.doneMs);
    expect(times[3]!.firstMs - 20_000).toBeCloseTo(340);
    expect(accelerator.adapters.loads).toBe(3);
  });
});

describe("the simulated model, asked in the Anthropic dialect", () => {
  const messages = [{ role: "user" as const, content: 'Get weather for "Oslo", 3 days, in F' }];
  const tools = [{ name: "get_weather", input_schema: { ...weather.function.parameters, type: "object" as const } }];
  const startAnthropic = async (options: SimulatorOptions = {}) =>
    new Anthropic({ baseURL: (await start(options)).url, apiKey: options.key ?? "any", maxRetries: 0 });

  it("answers the official SDK, whole and streamed, with thoughts and tools", async () => {
    const client = await startAnthropic();
    const request = { model: "simulated", max_tokens: 300, messages, tools, thinking: { type: "adaptive" as const } };
    const whole = await client.messages.create(request);
    const streamed = await client.messages.stream(request).finalMessage();
    expect(whole.content).toEqual([
      expect.objectContaining({ type: "thinking", signature: expect.any(String) }),
      expect.objectContaining({ type: "tool_use", name: "get_weather", input: { city: "Oslo", days: 3, unit: "F" } }),
    ]);
    expect(whole.stop_reason).toBe("tool_use");
    expect(streamed.content.map((block) => (block.type === "tool_use" ? block.input : block))).toEqual(
      whole.content.map((block) => (block.type === "tool_use" ? block.input : block)),
    );
    expect(streamed.usage.output_tokens).toBe(whole.usage.output_tokens);
  });

  it.each([
    ["a field it does not know", { n: 2 }, "Extra inputs"],
    ["no limit", { max_tokens: undefined }, "max_tokens"],
    ["what its version has not", { temperature: 0.5 }, "temperature"],
    [
      "a result without its call",
      { messages: [{ role: "user", content: [{ type: "tool_result", tool_use_id: "t" }] }] },
      "tool_use_id",
    ],
    [
      "a call without its result",
      { messages: [{ role: "assistant", content: [{ type: "tool_use", id: "t", name: "f", input: {} }] }] },
      "without",
    ],
    [
      "a thought with another's signature",
      { messages: [{ role: "assistant", content: [{ type: "thinking", thinking: "x", signature: "y" }] }] },
      "signature",
    ],
    ["an empty text", { messages: [{ role: "user", content: [{ type: "text", text: "" }] }] }, "non-empty"],
  ])("refuses what the real server refuses: %s", async (_, fields, words) => {
    const client = await startAnthropic();
    const request = {
      model: "simulated",
      max_tokens: 9,
      messages,
      ...fields,
    } as Anthropic.MessageCreateParamsNonStreaming;
    await expect(client.messages.create(request)).rejects.toMatchObject({
      status: 400,
      type: "invalid_request_error",
      message: expect.stringContaining(words),
    });
  });
});
