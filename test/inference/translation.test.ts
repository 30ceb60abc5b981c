import { readFileSync } from "node:fs";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { startSimulator } from "../../models/simulator/simulator.ts";
import type { JsonEdit } from "../../src/core/json-edit.ts";
import { inferenceConfig } from "../../src/inference/config.ts";
import { startHarness } from "./harness.ts";
import type { Harness, HarnessOptions } from "./harness.ts";
import { chunkOf, lastChunk, startRawProvider, streamHead } from "./raw-provider.ts";
import { hello, key, running, says, send, start } from "./translation-scene.ts";

describe("a caller and a provider that both speak the Anthropic dialect", () => {
  it("exchange the caller's own bytes, but for the model's name, and the provider's own bytes", async () => {
    const { gateway, provider } = await start();
    const answer =
      ' {"type":"message","content":[{"type":"new_kind","n":9007199254740993}],"usage":{"input_tokens":1.0,"output_tokens":4,"cache_read_input_tokens":10}}\n';
    provider.next = says(answer);
    const body =
      ' {"max_tokens":1e1,"zeta":9007199254740993, "model":"claude","messages":[{"role":"user","content":[{"type":"x"}]}],"top_k":5}';
    const { text, headers } = await send(gateway, "/messages", body);
    expect(provider.seen.body).toBe(body);
    expect(provider.seen.path).toBe("/v1/messages");
    expect(text).toBe(answer);
    expect(headers.get("x-sallyport-dropped")).toBeNull();
    expect(gateway.carried.at(-1)?.context.usage).toEqual({ inputTokens: 11, outputTokens: 4, cachedInputTokens: 10 });
  });

  it("exchange a stream byte for byte, and its usage is noted", async () => {
    const { gateway, provider } = await start();
    const stream = [
      'event: message_start\ndata: {"type":"message_start","message":{"id":"m","usage":{"input_tokens":3,"cache_read_input_tokens":4,"output_tokens":1}}}\n\n',
      'event: ping\ndata: {"type": "ping"}\n\n: comment\n\n',
      'event: content_block_delta\r\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\"type\\":\\"error"}}\r\n\r\n',
      'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9,"output_tokens_details":{"thinking_tokens":2}}}\n\n',
      'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    ].join("");
    provider.next = says(stream, "text/event-stream");
    const { text } = await send(gateway, "/messages", {
      model: "claude",
      max_tokens: 1,
      stream: true,
      messages: hello,
    });
    expect(text).toBe(stream);
    expect(gateway.carried.at(-1)?.context.usage).toEqual({
      inputTokens: 7,
      outputTokens: 9,
      cachedInputTokens: 4,
      reasoningTokens: 2,
    });
  });

  it("exchange the same stream wherever the provider's bytes are cut", async () => {
    const stream =
      'event: message_start\ndata: {"type":"message_start","message":{"id":"é𝄞","usage":{"input_tokens":3,"output_tokens":1}}}\r\n\r\n' +
      'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"é𝄞"}}\n\n' +
      'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}\n\n' +
      'event: message_stop\ndata: {"type":"message_stop"}\n\n';
    const bytes = Buffer.from(stream);
    let at = 1;
    const provider = await startRawProvider((socket) => {
      const place = at;
      at += 5;
      socket.write(Buffer.concat([Buffer.from(streamHead), chunkOf(bytes.subarray(0, place))]));
      setImmediate(() => socket.write(Buffer.concat([chunkOf(bytes.subarray(place)), Buffer.from(lastChunk)])));
    });
    running.push(provider);
    const { gateway } = await start({}, provider.url);
    while (at < bytes.length) {
      const { text } = await send(gateway, "/messages", {
        model: "claude",
        max_tokens: 1,
        stream: true,
        messages: hello,
      });
      expect(text).toBe(stream);
      expect(gateway.carried.at(-1)?.context.usage).toEqual({ inputTokens: 3, outputTokens: 9 });
    }
  });

  it("join their betas and use the caller's version, or the configured one; the caller's key stays", async () => {
    const { gateway, provider, message } = await start();
    provider.next = says(message);
    const body = { model: "claude", max_tokens: 1, messages: hello };
    await send(gateway, "/messages", body);
    expect(provider.seen.headers).toMatchObject({
      "x-api-key": key,
      "anthropic-version": "2023-06-01",
      "anthropic-beta": "context-1m-2025-08-07",
    });
    await send(gateway, "/messages", body, {
      "anthropic-version": "2026-10-21",
      "anthropic-beta": "files-api-2025-04-14, context-1m-2025-08-07",
      "x-api-key": "caller",
      "openai-beta": "assistants=v2",
    });
    expect(provider.seen.headers).toMatchObject({
      "x-api-key": key,
      "anthropic-version": "2026-10-21",
      "anthropic-beta": "context-1m-2025-08-07,files-api-2025-04-14",
    });
    expect(provider.seen.headers["openai-beta"]).toBeUndefined();
  });

  it("exchange errors byte for byte, with the gateway's request id beside the provider's", async () => {
    const { gateway, provider } = await start();
    const error =
      '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded","details":null},"request_id":"req_9"}';
    provider.next = { ...says(error), status: 529 };
    const { status, text, headers } = await send(gateway, "/messages", {
      model: "claude",
      max_tokens: 1,
      messages: hello,
    });
    expect([status, text]).toEqual([529, error]);
    expect(headers.get("request-id")).toMatch(/^[0-9a-f]{32}$/);
    expect(headers.get("request-id")).toBe(headers.get("x-request-id"));
  });
});

describe("what steps change in a request", () => {
  const edits = (): readonly JsonEdit[] => [{ path: ["messages", 0, "content"], json: '"[masked]"' }];

  it.each([
    ["/chat/completions", "gpt", '{"model":"gpt-x", "messages":[{"role":"user","content":"[masked]"}],"n":1.0}'],
    [
      "/chat/completions",
      "claude",
      '{"model":"claude","max_tokens":77,"messages":[{"role":"user","content":[{"type":"text","text":"[masked]"}]}]}',
    ],
  ])("is what the provider gets: %s to %s", async (path, model, sent) => {
    const { gateway, provider, completion, message } = await start({ edits });
    provider.next = says(model === "gpt" ? completion : message);
    const { status } = await send(
      gateway,
      path,
      `{"model":"${model}", "messages":[{"role":"user","content":"secret"}],"n":1.0}`,
    );
    expect(status).toBe(200);
    expect(provider.seen.body).toBe(sent);
  });

  it("is what the provider gets: /messages to either", async () => {
    const { gateway, provider, completion, message } = await start({ edits });
    for (const model of ["claude", "llama"]) {
      provider.next = says(model === "claude" ? message : completion);
      await send(gateway, "/messages", { model, max_tokens: 5, messages: [{ role: "user", content: "secret" }] });
      expect(provider.seen.body).toContain("[masked]");
      expect(provider.seen.body).not.toContain("secret");
    }
    expect(JSON.parse(provider.seen.body)).toMatchObject({ max_tokens: 5 });
  });

  it("and in an answer is seen in the caller's dialect, by name", async () => {
    const names: (string | undefined)[] = [];
    const answer: HarnessOptions["answer"] = (event) => {
      names.push(event.name);
      const bytes = Buffer.from(event.bytes.toString().replace("Hi", "Ho"));
      return event.bytes.includes("Hi") ? { ...event, bytes, value: JSON.parse(bytes.toString()) as unknown } : event;
    };
    const { gateway, provider } = await start({ answer });
    provider.next = says(
      'data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}\n\ndata: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
      "text/event-stream",
    );
    const { text } = await send(gateway, "/messages", { model: "gpt", max_tokens: 1, stream: true, messages: hello });
    expect(names).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    expect(text).toContain(
      'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Ho"}}',
    );
  });
});

describe("what cannot be carried over", () => {
  const tool = { type: "function", function: { name: "f" } };
  const fromOpenai: readonly (readonly [string, object, string])[] = [
    ["n beyond 1", { n: 2 }, "n"],
    ["log probabilities", { logprobs: true }, "logprobs"],
    ["biases", { logit_bias: { 1: 2 } }, "logit_bias"],
    ["audio", { modalities: ["text", "audio"] }, "modalities"],
    ["a voice", { audio: { voice: "alloy", format: "wav" } }, "audio"],
    ["the likeliest tokens", { top_logprobs: 3 }, "top_logprobs"],
    ["functions of old", { functions: [{ name: "f" }] }, "functions"],
    ["a choice of a function of old", { function_call: "auto" }, "function_call"],
    ["a moderation", { moderation: { model: "m" } }, "moderation"],
    ["a search of the provider's own", { web_search_options: { search_context_size: "low" } }, "web_search_options"],
    ["a format of no kind that is known", { response_format: { type: "grammar" } }, "response_format"],
    ["any JSON at all", { response_format: { type: "json_object" } }, "response_format"],
    ["tools that are no functions", { tools: [{ type: "custom", custom: { name: "x" } }] }, "tools[0]"],
    [
      "a choice among tools",
      { tools: [tool], tool_choice: { type: "allowed_tools", allowed_tools: {} } },
      "tool_choice",
    ],
    [
      "sound",
      { messages: [{ role: "user", content: [{ type: "input_audio", input_audio: {} }] }] },
      "messages[0].content[0]",
    ],
    [
      "a file by id",
      { messages: [{ role: "user", content: [{ type: "file", file: { file_id: "f" } }] }] },
      "messages[0].content[0].file",
    ],
    [
      "an image that is none",
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png,x" } }] }] },
      "messages[0].content[0].image_url.url",
    ],
    [
      "arguments that are no JSON",
      {
        messages: [
          { role: "assistant", tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: "{" } }] },
        ],
      },
      "messages",
    ],
    [
      "a call of something that is no function",
      {
        messages: [{ role: "assistant", tool_calls: [{ id: "1", type: "custom", custom: { name: "f", input: "" } }] }],
      },
      "messages[0].tool_calls[0]",
    ],
    [
      "a call of a function of old",
      { messages: [{ role: "assistant", function_call: { name: "f", arguments: "{}" } }] },
      "messages[0].function_call",
    ],
    ["an answer in audio", { messages: [{ role: "assistant", audio: { id: "a" } }] }, "messages[0].audio"],
    ["a role of another kind", { messages: [{ role: "narrator", content: "x" }] }, "messages[0].role"],
  ];
  it.each(fromOpenai)("to Anthropic is an error that names it, and is never sent: %s", async (_, fields, param) => {
    const { gateway, provider } = await start();
    const { status, text } = await send(gateway, "/chat/completions", { model: "claude", messages: hello, ...fields });
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ error: { type: "invalid_request_error", param } });
    expect(provider.seen.path).toBe("");
  });

  const fromAnthropic: readonly (readonly [string, object])[] = [
    ["a place to compute", { inference_geo: "eu" }],
    ["a container", { container: "c_1" }],
    ["a format of no kind that is known", { output_config: { format: { type: "grammar" } } }],
    ["a choice among tools", { tool_choice: { type: "some" } }],
    ["a role of another kind", { messages: [{ role: "narrator", content: "x" }] }],
    ["servers of tools", { mcp_servers: [{}] }],
    ["the provider's own tools", { tools: [{ type: "web_search_20250305", name: "web_search" }] }],
    ["search results", { messages: [{ role: "user", content: [{ type: "search_result" }] }] }],
    [
      "a file by id",
      { messages: [{ role: "user", content: [{ type: "image", source: { type: "file", file_id: "f" } }] }] },
    ],
    ["an answer that goes on from a message", { messages: [...hello, { role: "assistant", content: "{" }] }],
    [
      "a document at an address",
      { messages: [{ role: "user", content: [{ type: "document", source: { type: "url", url: "https://x" } }] }] },
    ],
  ];
  it.each(fromAnthropic)("to OpenAI is an error in the caller's shape, and is never sent: %s", async (_, fields) => {
    const { gateway, provider } = await start();
    const { status, text, headers } = await send(gateway, "/messages", {
      model: "gpt",
      max_tokens: 1,
      messages: hello,
      ...fields,
    });
    expect(status).toBe(400);
    expect(JSON.parse(text)).toEqual({
      type: "error",
      error: { type: "invalid_request_error", message: expect.stringContaining("cannot be carried over") },
      request_id: headers.get("request-id"),
    });
    expect(provider.seen.path).toBe("");
  });

  it.each([
    [
      "/chat/completions",
      "claude",
      {
        seed: 7,
        "a\r\nb: c": 1,
        n: null,
        store: true,
        user: "u".repeat(257),
        metadata: { a: "b" },
        logit_bias: {},
        top_logprobs: 0,
        service_tier: "flex",
        response_format: { type: "json_schema", json_schema: { name: "a", description: "an a", schema: {} } },
        tools: [{ type: "function", function: { name: "f", parameters: { anything: 1 } } }],
        messages: [
          {
            role: "user",
            name: "ada",
            content: [{ type: "image_url", image_url: { url: "https://example.com/a.png", detail: "high" } }],
          },
          { role: "assistant", content: "Hm.", annotations: [], audio: null },
          ...hello,
        ],
      },
      "seed, store, user, metadata, service_tier, response_format.json_schema.description, messages.name, messages.content.image_url.detail",
    ],
    [
      "/messages",
      "gpt",
      {
        max_tokens: 5,
        top_k: 5,
        service_tier: "auto",
        thinking: { type: "disabled" },
        metadata: { user_id: "u".repeat(65), team: "t" },
        system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
        output_config: { effort: "low", task_budget: { type: "tokens", total: 9 } },
        tools: [{ name: "f", input_schema: { type: "object" }, input_examples: [{}], defer_loading: true }],
        messages: [
          { role: "user", content: [{ type: "text", text: "x", citations: null }] },
          { role: "assistant", content: [{ type: "tool_use", id: "t", name: "f", input: { anything: 1 } }] },
          {
            role: "user",
            content: [
              { type: "tool_result", tool_use_id: "t", is_error: true, content: [{ type: "text", text: "no" }] },
              {
                type: "document",
                citations: { enabled: true },
                context: "a context",
                source: { type: "text", media_type: "text/plain", data: "A cat." },
              },
            ],
          },
        ],
      },
      "top_k, service_tier, metadata.user_id, metadata.team, output_config.task_budget, tools.input_examples, tools.defer_loading, messages.content.citations, messages.content.context, cache_control, messages.is_error",
    ],
  ])(
    "is named in the answer when it is but a hint, and in no way that could end a header: %s",
    async (path, model, fields, named) => {
      const { gateway, provider, message, completion } = await start();
      provider.next = says(model === "claude" ? message : completion);
      const { status, headers } = await send(gateway, path, { model, ...fields });
      expect(status).toBe(200);
      const names = (text: string) => text.split(", ").toSorted();
      expect(names(headers.get("x-sallyport-dropped") ?? "")).toEqual(names(named));
    },
  );

  it("is in the documentation, and what is in the documentation is refused", () => {
    const documented = readFileSync("docs/models.md", "utf8");
    for (const [dialect, cases] of [
      ["OpenAI", fromOpenai],
      ["Anthropic", fromAnthropic],
    ] as const) {
      const row = new RegExp(`\\| from ${dialect} \\| (.*) \\|`).exec(documented)?.[1] ?? "";
      const words = [...row.matchAll(/`(?:\w+(?:: |\.))?(\w+)`/g)].map(([, word = ""]) => word);
      expect(words.length).toBeGreaterThan(2);
      const tested = JSON.stringify(cases);
      expect(words.filter((word) => !tested.includes(`"${word}"`))).toEqual([]);
      // A member of a request that is refused by its name is in the list.
      const members = cases
        .flatMap(([, fields]) => Object.keys(fields))
        .filter((name) => !["messages", "tools"].includes(name));
      expect(members.filter((name) => !row.includes(`\`${name}`))).toEqual([]);
    }
  });

  it("has embeddings and completions refused for a provider that has none", async () => {
    const { gateway } = await start();
    for (const [path, body] of [
      ["/embeddings", { input: "x" }],
      ["/completions", { prompt: "x" }],
    ] as const)
      expect(await send(gateway, path, { model: "claude", ...body })).toMatchObject({
        status: 400,
        text: expect.stringContaining("does not take"),
      });
  });

  it("in an answer is an error, not a gap", async () => {
    const { gateway, provider } = await start();
    provider.next = says('{"id":"m","content":[{"type":"server_tool_use","id":"s"}],"stop_reason":"end_turn"}');
    expect(await send(gateway, "/chat/completions", { model: "claude", messages: hello })).toMatchObject({
      status: 502,
    });
    provider.next = says(
      '{"choices":[{"message":{"tool_calls":[{"id":"1","function":{"name":"f","arguments":"[1]"}}]},"finish_reason":"tool_calls"}]}',
    );
    expect(await send(gateway, "/messages", { model: "gpt", max_tokens: 1, messages: hello })).toMatchObject({
      status: 502,
      text: expect.stringContaining("not a JSON object"),
    });
    // Cut off by its limit: half a call is none.
    provider.next = says(
      '{"choices":[{"message":{"content":"So","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\\"a"}}]},"finish_reason":"length"}]}',
    );
    const cut = await send(gateway, "/messages", { model: "gpt", max_tokens: 1, messages: hello });
    expect(JSON.parse(cut.text)).toMatchObject({ stop_reason: "max_tokens", content: [{ type: "text", text: "So" }] });
  });

  it("is JSON nested deeper than any stack, in a call's arguments or in an answer", async () => {
    const { gateway, provider } = await start();
    const deep = `{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}`;
    const call = { id: "1", type: "function", function: { name: "f", arguments: deep } };
    const asked = { model: "claude", messages: [{ role: "assistant", tool_calls: [call] }] };
    expect(await send(gateway, "/chat/completions", asked)).toMatchObject({
      status: 400,
      text: expect.stringContaining("nested too deeply"),
    });
    expect(provider.seen.path).toBe("");
    provider.next = says(`{"id":"m","content":[{"type":"tool_use","id":"1","name":"f","input":${deep}}]}`);
    expect((await send(gateway, "/chat/completions", { model: "claude", messages: hello })).status).toBe(502);
    const choice = { message: { tool_calls: [call] }, finish_reason: "tool_calls" };
    provider.next = says(JSON.stringify({ id: "c", choices: [choice] }));
    const body = { model: "gpt", max_tokens: 1, messages: hello };
    expect((await send(gateway, "/messages", body)).status).toBe(502);
  });

  it("in a stream ends it with an error: arguments of several calls in turns", async () => {
    const { gateway, provider } = await start();
    const call = (index: number, fields: object) =>
      `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, delta: { tool_calls: [{ index, ...fields }] } }] })}\n\n`;
    const named = (id: string) => ({ id, function: { name: "f", arguments: "" } });
    const more = { function: { arguments: "{}" } };
    provider.next = says([call(0, named("a")), call(1, named("b")), call(0, more)].join(""), "text/event-stream");
    const { text } = await send(gateway, "/messages", { model: "gpt", max_tokens: 1, stream: true, messages: hello });
    expect(text).toMatch(/event: error\ndata: .*in turns/);
    expect(text).not.toContain("message_stop");
  });
});

describe("secrets", () => {
  it.each([
    ["/chat/completions", "claude"],
    ["/messages", "gpt"],
  ])("that a provider quotes are not passed on in the other dialect: %s", async (path, model) => {
    const { gateway, provider } = await start();
    const error = JSON.stringify({ type: "error", error: { type: "api_error", message: `bad key ${key}` } });
    provider.next = { ...says(error), status: 500 };
    const whole = await send(gateway, path, { model, max_tokens: 1, messages: hello });
    expect(whole.status).toBe(502);
    provider.next = says(`event: error\ndata: ${error}\n\n`, "text/event-stream");
    const streamed = await send(gateway, path, { model, max_tokens: 1, stream: true, messages: hello });
    expect(whole.text + streamed.text).not.toContain(key);
  });
});

describe("a count of tokens that the provider does not give", () => {
  const ask = async (gateway: Harness, content: unknown) => {
    const { text, headers } = await send(gateway, "/messages/count_tokens", {
      model: "llama",
      messages: [{ role: "user", content }],
    });
    return {
      tokens: (JSON.parse(text) as { input_tokens: number }).input_tokens,
      stated: headers.get("x-sallyport-estimate"),
    };
  };
  const image = (data: string) => [{ type: "image", source: { type: "base64", media_type: "image/png", data } }];

  it("is an estimate that says so: counted where somebody counts, or by its bytes", async () => {
    const counting = await start({ countTokens: async (text) => text.length });
    const body = JSON.stringify({ model: "llama", messages: [{ role: "user", content: "Hello" }] });
    expect(await ask(counting.gateway, "Hello")).toEqual({ tokens: body.length, stated: "input_tokens" });
    expect(counting.provider.seen.path).toBe("");
    const plain = await start();
    expect(await ask(plain.gateway, "Hello")).toEqual({ tokens: Math.ceil(body.length / 4), stated: "input_tokens" });
    const { tokens } = await ask(counting.gateway, image("A".repeat(100_000)));
    expect(tokens).toBeGreaterThan(1_600);
    expect(tokens).toBeLessThan(1_700);
  });
});

describe("the official SDKs", () => {
  it("read the list of models, each in its own shape", async () => {
    const { gateway } = await start({ shows: ({ target }) => target.name !== "gpt" });
    const anthropic = new Anthropic({ baseURL: gateway.url.replace(/\/v1$/, ""), apiKey: "caller" });
    const models = [];
    for await (const model of anthropic.models.list()) models.push(model);
    expect(models.map(({ id }) => id)).toEqual(["claude", "llama"]);
    expect(models[0]).toMatchObject({ type: "model", display_name: "claude" });
    expect(Date.parse(models[0]?.created_at ?? "")).toBeGreaterThan(0);
    expect(await anthropic.models.retrieve("llama")).toMatchObject({ id: "llama", type: "model" });
    await expect(anthropic.models.retrieve("gpt")).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    await expect(anthropic.messages.batches.list()).rejects.toMatchObject({ status: 404, type: "not_found_error" });
    const openai = new OpenAI({ baseURL: gateway.url, apiKey: "caller" });
    expect((await openai.models.list()).data.map(({ id }) => id)).toEqual(["claude", "llama"]);
  });

  it("carry what a model thought through a tool call, in either dialect, and its signature is good", async () => {
    const simulator = await startSimulator({ key });
    const { gateway } = await start({}, simulator.url);
    running.push(simulator);
    const anthropic = new Anthropic({ baseURL: gateway.url.replace(/\/v1$/, ""), apiKey: "caller", maxRetries: 0 });
    const schema = { type: "object" as const, properties: { path: { type: "string" } }, required: ["path"] };
    const question = { role: "user" as const, content: 'Use read_file on "notes.md"' };
    const request = {
      model: "claude",
      max_tokens: 200,
      thinking: { type: "adaptive" as const },
      tools: [{ name: "read_file", input_schema: schema }],
    };
    const asked = await anthropic.messages.stream({ ...request, messages: [question] }).finalMessage();
    expect(asked.content.map(({ type }) => type)).toEqual(["thinking", "tool_use"]);
    const call = asked.content[1];
    const result = {
      type: "tool_result" as const,
      tool_use_id: call?.type === "tool_use" ? call.id : "",
      content: "milk",
    };
    const turns = [
      question,
      { role: "assistant" as const, content: asked.content },
      { role: "user" as const, content: [result] },
    ];
    const answer = await anthropic.messages.create({ ...request, messages: turns });
    expect(answer.content.at(-1)).toMatchObject({ text: "According to the tool: milk" });

    const openai = new OpenAI({ baseURL: gateway.url, apiKey: "caller", maxRetries: 0 });
    const tools = [{ type: "function" as const, function: { name: "read_file", parameters: schema } }];
    const ask = { model: "claude", tools, thinking: { type: "adaptive" } };
    const stream = openai.chat.completions.stream({ ...ask, messages: [question] });
    const { message } = (await stream.finalChatCompletion()).choices[0] ?? {};
    expect(message).toMatchObject({
      reasoning_content: expect.stringContaining("is to be answered"),
      thinking_blocks: [{ type: "thinking", signature: expect.any(String) }],
    });
    if (message === undefined) return;
    const tool = { role: "tool" as const, tool_call_id: message.tool_calls?.[0]?.id ?? "", content: "milk" };
    const said = await openai.chat.completions.create({ ...ask, messages: [question, message, tool] });
    expect(said.choices[0]?.message.content).toBe("According to the tool: milk");
    // The provider checks: with another signature it refuses.
    const forged = JSON.parse(JSON.stringify(message).replace(/"signature":"./, '"signature":"_')) as typeof message;
    await expect(openai.chat.completions.create({ ...ask, messages: [question, forged, tool] })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining("signature"),
    });
  });
});

describe("a silence", () => {
  it("is filled with pings for a caller of the Anthropic dialect", async () => {
    const simulator = await startSimulator();
    running.push(simulator);
    const gateway = await startHarness({
      config: { models: { m: { provider: "vllm", url: simulator.url, model: "simulated@ttft=400,tokens=3" } } },
      keepAliveMs: 50,
    });
    running.unshift(gateway);
    const { text } = await send(gateway, "/messages", { model: "m", max_tokens: 9, stream: true, messages: hello });
    expect(text).toMatch(/^(event: ping\ndata: \{"type": "ping"\}\n\n)+event: message_start\n/);
    expect(text.endsWith('event: message_stop\ndata: {"type":"message_stop"}\n\n')).toBe(true);
  });

  it("is filled for a caller of the OpenAI dialect although the provider pings, which nobody there would see", async () => {
    const event = (type: string, fields: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
    const provider = await startRawProvider((socket) => {
      const say = (text: string) => void socket.write(chunkOf(text));
      socket.write(streamHead);
      say(event("message_start", { message: { id: "m", model: "c", usage: { input_tokens: 1 } } }));
      say(
        event("content_block_start", { index: 0, content_block: { type: "thinking", thinking: "Hm.", signature: "" } }),
      );
      const pings = setInterval(() => say(event("ping", {})), 20);
      setTimeout(() => {
        clearInterval(pings);
        say(event("message_delta", { delta: { stop_reason: "end_turn" } }) + event("message_stop", {}));
        socket.write(lastChunk);
      }, 400);
    });
    running.push(provider);
    const gateway = await startHarness({
      config: z
        .strictObject(inferenceConfig)
        .parse({ models: { m: { provider: "anthropic", url: provider.url, key } } }),
      keepAliveMs: 50,
    });
    running.unshift(gateway);
    const { text } = await send(gateway, "/chat/completions", { model: "m", stream: true, messages: hello });
    expect(text).toMatch(/"reasoning_content":"Hm\.".*\n\n(: keepalive\n\n)+data: /);
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  });
});
