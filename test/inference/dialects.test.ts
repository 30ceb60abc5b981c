import Anthropic, { APIError as AnthropicError } from "@anthropic-ai/sdk";
import OpenAI, { APIError as OpenaiError } from "openai";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { startSimulator } from "../../models/simulator/simulator.ts";
import type { SeenRequest, Simulator } from "../../models/simulator/simulator.ts";
import { inferenceConfig } from "../../src/inference/config.ts";
import { startHarness } from "./harness.ts";
import type { Harness } from "./harness.ts";

/* Both official SDKs through the gateway to a provider of either dialect. */

const providerKey = `sk-provider-${crypto.randomUUID()}`;
const callerKey = `caller-${crypto.randomUUID()}`;
const faults = ["die=2", "die=0", "no-done", "no-finish", "garbage", "error-event", "huge-event"] as const;
const providers = ["openai", "anthropic"] as const;
type ProviderName = (typeof providers)[number];

let simulator: Simulator;
let gateway: Harness;
let anthropic: Anthropic;
let openai: OpenAI;
const seen: SeenRequest[] = [];

beforeAll(async () => {
  simulator = await startSimulator({ key: providerKey, faults: true, onRequest: (request) => seen.push(request) });
  const toModels = (provider: ProviderName) => {
    const extra = provider === "anthropic" ? { maxTokens: 500 } : {};
    const of = (knobs: string) => ({
      provider,
      url: simulator.url,
      key: providerKey,
      model: `simulated${knobs}`,
      ...extra,
    });
    const failing = [...faults, "status=429", "status=500", "hang", "html"];
    return {
      [provider]: of(""),
      [`${provider}/slow`]: of("@ttft=20,itl=20,tokens=200"),
      ...Object.fromEntries(failing.map((fault) => [`${provider}/${fault}`, of(`@tokens=6,${fault}`)])),
    };
  };
  const models = { ...toModels("openai"), ...toModels("anthropic") };
  gateway = await startHarness({ config: z.strictObject(inferenceConfig).parse({ models }) });
  anthropic = new Anthropic({ baseURL: gateway.url.replace(/\/v1$/, ""), apiKey: callerKey, maxRetries: 0 });
  openai = new OpenAI({ baseURL: gateway.url, apiKey: callerKey, maxRetries: 0 });
});

afterAll(async () => {
  await gateway.close();
  await simulator.close();
});

const hello = [{ role: "user" as const, content: "Hello there" }];
const schema = {
  type: "object" as const,
  properties: { path: { type: "string" }, limit: { type: "integer", maximum: 100 } },
  required: ["path"],
};
const sentBody = () => JSON.parse(seen.at(-1)?.body.toString() ?? "") as Record<string, unknown>;

describe.each(providers)("the Anthropic SDK, with a provider that speaks the %s dialect", (model) => {
  it("gets a whole message with its usage", async () => {
    const answer = await anthropic.messages.create({ model, max_tokens: 200, system: "Be brief.", messages: hello });
    expect(answer).toMatchObject({ type: "message", role: "assistant", stop_reason: "end_turn", stop_sequence: null });
    expect(answer.content).toEqual([
      expect.objectContaining({ type: "text", text: expect.stringContaining("Hello there") }),
    ]);
    expect(answer.usage).toMatchObject({ cache_read_input_tokens: 0 });
    expect(answer).toMatchObject({ _request_id: expect.stringMatching(/^[0-9a-f]{32}$/) });
    const { context, outcome } = gateway.carried.at(-1) ?? {};
    expect(outcome?.status).toBe("ok");
    expect(context?.usage).toMatchObject({
      inputTokens: answer.usage.input_tokens,
      outputTokens: answer.usage.output_tokens,
    });
    expect(context?.operation).toMatchObject({
      method: "messages",
      variables: { llm: { dialect: "anthropic", maxTokens: 200n } },
    });
    expect(context?.operation.demand).toMatchObject({ maxOutputTokens: 200 });
    expect(JSON.stringify(seen.at(-1)?.headers)).not.toContain(callerKey);
  });

  it("gets the same message as a stream, in the order it insists on", async () => {
    const whole = await anthropic.messages.create({ model, max_tokens: 200, messages: hello });
    const stream = anthropic.messages.stream({ model, max_tokens: 200, messages: hello });
    const types: string[] = [];
    for await (const event of stream) if (types.at(-1) !== event.type) types.push(event.type);
    const streamed = await stream.finalMessage();
    expect(types).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    expect(streamed.content).toEqual(whole.content);
    expect(streamed.stop_reason).toBe("end_turn");
    expect(streamed.usage).toMatchObject({
      input_tokens: whole.usage.input_tokens,
      output_tokens: whole.usage.output_tokens,
    });
    expect(gateway.carried.at(-1)?.context.usage).toMatchObject({ outputTokens: whole.usage.output_tokens });
  });

  it.each([false, true])("has a tool called and its result taken back, streamed: %s", async (streamed) => {
    const tools = [{ name: "read_file", description: "Reads a file", input_schema: schema }];
    const ask = async (messages: Anthropic.MessageParam[]) =>
      streamed
        ? anthropic.messages.stream({ model, max_tokens: 200, tools, messages }).finalMessage()
        : anthropic.messages.create({ model, max_tokens: 200, tools, messages });
    const question = { role: "user" as const, content: 'Use read_file on "notes.md"' };
    const asked = await ask([question]);
    expect(asked.stop_reason).toBe("tool_use");
    const call = asked.content[0];
    expect(call).toMatchObject({ type: "tool_use", name: "read_file", input: { path: "notes.md" } });
    if (call?.type !== "tool_use") return;
    const result = {
      type: "tool_result" as const,
      tool_use_id: call.id,
      content: [{ type: "text" as const, text: "buy milk" }],
    };
    const answer = await ask([
      question,
      { role: "assistant", content: asked.content },
      { role: "user", content: [result] },
    ]);
    expect(answer.content[0]).toMatchObject({ type: "text", text: "According to the tool: buy milk" });
  });

  it("says that an answer was cut off at its limit", async () => {
    const answer = await anthropic.messages.create({ model, max_tokens: 2, messages: hello });
    expect(answer).toMatchObject({ stop_reason: "max_tokens", usage: { output_tokens: 2 } });
  });

  it("gets an answer in the form it asked for", async () => {
    const format = { type: "json_schema" as const, schema: { ...schema, additionalProperties: false } };
    const answer = await anthropic.messages.create({
      model,
      max_tokens: 200,
      output_config: { format },
      messages: [{ role: "user", content: 'The file is "notes.md"' }],
    });
    const [block] = answer.content;
    expect(JSON.parse(block?.type === "text" ? block.text : "")).toEqual({ path: "notes.md" });
  });

  it("counts tokens", async () => {
    const { input_tokens: short } = await anthropic.messages.countTokens({ model, messages: hello });
    const { input_tokens: long } = await anthropic.messages.countTokens({
      model,
      messages: [{ role: "user", content: "Hello there. ".repeat(400) }],
    });
    expect(short).toBeGreaterThan(0);
    expect(long).toBeGreaterThan(1_000);
    expect(long).toBeLessThan(2_600);
    expect(gateway.carried.at(-1)?.context.operation.demand).toBeUndefined();
  });

  it.each([
    ["status=429", 429, "rate_limit_error"],
    ["status=500", 500, "api_error"],
    ["html", 502, "api_error"],
  ])("throws the provider's error in its own classes: %s", async (fault, status, type) => {
    const failing = anthropic.messages.create({ model: `${model}/${fault}`, max_tokens: 9, messages: hello });
    const error = await failing.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AnthropicError);
    expect(error).toMatchObject({ status, type, requestID: expect.stringMatching(/^[0-9a-f]{32}$/) });
    if (status === 429) expect((error as AnthropicError).headers?.get("retry-after")).toBe("7");
  });

  it.each(faults)("throws at a stream that breaks off, and never sees its end: %s", async (fault) => {
    const types: string[] = [];
    const read = async () => {
      const request = { model: `${model}/${fault}`, max_tokens: 99, stream: true as const, messages: hello };
      for await (const event of await anthropic.messages.create(request)) types.push(event.type);
    };
    await expect(read()).rejects.toBeInstanceOf(AnthropicError);
    expect(types).not.toContain("message_stop");
    expect(gateway.carried.at(-1)?.outcome.status).toBe("failed");
  });

  it("reaches the provider when it goes away", async () => {
    const end = gateway.nextEnd();
    const request = { model: `${model}/slow`, max_tokens: 500, stream: true as const, messages: hello };
    for await (const _ of await anthropic.messages.create(request)) break;
    expect((await end).outcome.status).toBe("aborted");
    await vi.waitUntil(() => seen.at(-1)?.signal.aborted === true);
  });
});

describe.each(providers)("the OpenAI SDK, with a provider that speaks the %s dialect", (model) => {
  it("gets a whole completion with its usage", async () => {
    const answer = await openai.chat.completions.create({
      model,
      temperature: 0.5,
      stop: "never",
      messages: [{ role: "developer", content: "Be brief." }, ...hello],
    });
    expect(answer).toMatchObject({ object: "chat.completion" });
    expect(answer.choices[0]).toMatchObject({
      index: 0,
      finish_reason: "stop",
      message: { role: "assistant", content: expect.stringContaining("Hello there"), refusal: null },
    });
    expect(answer.usage?.total_tokens).toBe(
      (answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0),
    );
    expect(gateway.carried.at(-1)?.context.usage).toMatchObject({ outputTokens: answer.usage?.completion_tokens });
    if (model === "anthropic")
      expect(sentBody()).toEqual({
        model: "simulated",
        max_tokens: 500,
        system: [{ type: "text", text: "Be brief." }],
        messages: [{ role: "user", content: [{ type: "text", text: "Hello there" }] }],
        stop_sequences: ["never"],
        temperature: 0.5,
      });
  });

  it.each([true, false])("gets the same completion as a stream, with the usage if it asked: %s", async (asked) => {
    const whole = await openai.chat.completions.create({ model, messages: hello });
    const stream = await openai.chat.completions.create({
      model,
      messages: hello,
      stream: true,
      ...(asked ? { stream_options: { include_usage: true } } : {}),
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks[0]?.choices[0]?.delta).toMatchObject({ role: "assistant" });
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe(
      whole.choices[0]?.message.content,
    );
    expect(chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.finish_reason)).filter(Boolean)).toEqual([
      "stop",
    ]);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    if (asked)
      expect(chunks.at(-1)).toMatchObject({
        choices: [],
        usage: { completion_tokens: whole.usage?.completion_tokens },
      });
    else
      expect(chunks.every(({ choices, usage }) => choices.length === 1 && (usage ?? undefined) === undefined)).toBe(
        true,
      );
  });

  it.each([false, true])("has a tool called and its result taken back, streamed: %s", async (streamed) => {
    const tools = [{ type: "function" as const, function: { name: "read_file", parameters: schema } }];
    const ask = async (messages: OpenAI.ChatCompletionMessageParam[]) =>
      streamed
        ? (await openai.chat.completions.stream({ model, tools, messages }).finalChatCompletion()).choices[0]
        : (await openai.chat.completions.create({ model, tools, messages })).choices[0];
    const question = { role: "user" as const, content: 'Use read_file on "notes.md"' };
    const asked = await ask([question]);
    expect(asked?.finish_reason).toBe("tool_calls");
    const [call] = asked?.message.tool_calls ?? [];
    expect(call).toMatchObject({ type: "function", function: { name: "read_file", arguments: '{"path":"notes.md"}' } });
    if (asked === undefined || call === undefined) return;
    const answer = await ask([question, asked.message, { role: "tool", tool_call_id: call.id, content: "buy milk" }]);
    expect(answer?.message.content).toBe("According to the tool: buy milk");
  });

  it("gets an answer in the form it asked for", async () => {
    const answer = await openai.chat.completions.parse({
      model,
      response_format: { type: "json_schema", json_schema: { name: "file", schema, strict: true } },
      messages: [{ role: "user", content: 'The file is "notes.md"' }],
    });
    expect(answer.choices[0]?.message.parsed).toEqual({ path: "notes.md" });
  });

  it.each([
    ["status=429", 429],
    ["status=500", 500],
    ["html", 502],
  ])("throws the provider's error in its own classes: %s", async (fault, status) => {
    const failing = openai.chat.completions.create({ model: `${model}/${fault}`, messages: hello });
    const error = await failing.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OpenaiError);
    expect(error).toMatchObject({ status, message: expect.stringMatching(/Simulated status|other than JSON/) });
    expect((error as OpenaiError).type).toMatch(/^(rate_limit_error|server_error|invalid_request_error)$/);
  });

  it.each(faults)("throws at a stream that breaks off, and never sees its end: %s", async (fault) => {
    const reasons: (string | null)[] = [];
    const read = async () => {
      const request = { model: `${model}/${fault}`, stream: true as const, messages: hello };
      for await (const chunk of await openai.chat.completions.create(request))
        reasons.push(chunk.choices[0]?.finish_reason ?? null);
    };
    await expect(read()).rejects.toBeInstanceOf(OpenaiError);
    if (model === "anthropic") expect(reasons.filter(Boolean)).toEqual([]);
    const response = await fetch(`${gateway.url}/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ model: `${model}/${fault}`, stream: true, messages: hello }),
    });
    expect(await response.text()).not.toContain("[DONE]");
  });

  it("reaches the provider when it goes away, also before the first byte", async () => {
    const end = gateway.nextEnd();
    const stream = await openai.chat.completions.create({ model: `${model}/slow`, stream: true, messages: hello });
    for await (const _ of stream) break;
    expect((await end).outcome.status).toBe("aborted");
    await vi.waitUntil(() => seen.at(-1)?.signal.aborted === true);
    const silent = gateway.nextEnd();
    const before = seen.length;
    const abort = new AbortController();
    const hanging = openai.chat.completions.create(
      { model: `${model}/hang`, messages: hello },
      { signal: abort.signal },
    );
    const thrown = hanging.catch((error: unknown) => error);
    await vi.waitUntil(() => seen.length > before);
    abort.abort();
    expect(await thrown).toBeInstanceOf(OpenAI.APIUserAbortError);
    expect((await silent).outcome.status).toBe("aborted");
    await vi.waitUntil(() => seen.at(-1)?.signal.aborted === true);
  });
});
