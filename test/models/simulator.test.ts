import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterEach, describe, expect, it } from "vitest";
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

  it("lets sequences beyond its batch wait, and drops those that leave", async () => {
    const engine = createEngine({ timeScale: 1, maxSequences: 1, blocks: 100 });
    const first = await engine.admit(32, signal);
    const leaving = new AbortController();
    const left = engine.admit(32, leaving.signal);
    const third = engine.admit(32, signal);
    expect([engine.running, engine.waiting, engine.cacheUsage]).toEqual([1, 2, 0.02]);
    leaving.abort();
    expect(await left).toBeUndefined();
    first?.finish();
    (await third)?.finish();
    expect([engine.running, engine.waiting, engine.cacheUsage]).toEqual([0, 0, 0]);
  });

  it("takes the accelerator's time, longer under load", async () => {
    const engine = createEngine({ timeScale: 1, maxSequences: 8, blocks: 2_810 });
    const short = await engine.admit(100, signal);
    expect(short?.prefillMs()).toBeCloseTo(40);
    const alone = short?.decodeMs() ?? 0;
    const long = await engine.admit(10_000, signal);
    expect(long?.prefillMs()).toBeCloseTo(696.69);
    expect(short?.decodeMs()).toBeCloseTo(alone + 10_000 * 5.35e-4 + 0.1026);
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
