import { describe, expect, test } from "vitest";
import { isStorable } from "../../../src/inference/cache/storable.ts";

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const events = (...values: unknown[]) =>
  Buffer.from(values.map((value) => `data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`).join(""));

const choice = (of: object, message: object = {}) => ({
  index: 0,
  finish_reason: "stop",
  message: { role: "assistant", content: "Yes", refusal: null, tool_calls: [], ...message },
  ...of,
});
const chunk = (delta: object, finish: string | null = null, index = 0) => ({
  choices: [{ index, delta, finish_reason: finish }],
});
const call = [{ id: "1", type: "function", function: { name: "f", arguments: "{}" } }];

describe("a whole answer of OpenAI's dialect", () => {
  const may = (...choices: object[]) =>
    isStorable({ dialect: "openai", kind: "chat", stream: false }, json({ choices }));

  test("is kept where the model was done and said nothing but text", () => {
    expect(may(choice({}))).toBe(true);
    expect(may(choice({}), choice({ index: 1 }))).toBe(true);
    expect(may(choice({}, { reasoning_content: "Hm." }))).toBe(true);
  });

  test.for([
    ["it calls a tool", choice({ finish_reason: "tool_calls" }, { tool_calls: call })],
    ["it calls a tool and says that it stopped", choice({}, { tool_calls: call })],
    ["it calls a function", choice({}, { function_call: { name: "f", arguments: "{}" } })],
    ["it refuses", choice({}, { refusal: "No." })],
    ["it was filtered", choice({ finish_reason: "content_filter" })],
    ["it was too long", choice({ finish_reason: "length" })],
    ["it does not say why it ended", choice({ finish_reason: null })],
    ["it says nothing", choice({}, { content: "" })],
    ["it speaks", choice({}, { content: null, audio: { id: "a" } })],
    ["it cites pages", choice({}, { annotations: [{ type: "url_citation" }] })],
  ] as const)("is not where %s", ([, bad]) => {
    expect(may(bad)).toBe(false);
    expect(may(choice({}), bad)).toBe(false);
  });

  test("nor where there is none, or an error in its place", () => {
    expect(may()).toBe(false);
    const shape = { dialect: "openai", kind: "chat", stream: false } as const;
    expect(isStorable(shape, json({ choices: [choice({})], error: { message: "no" } }))).toBe(false);
    for (const found of [{ citations: ["https://example.com"] }, { search_results: [{ title: "x" }] }]) {
      expect(isStorable(shape, json({ choices: [choice({})], ...found }))).toBe(false);
      const said = { ...chunk({ content: "Yes" }, "stop"), ...found };
      expect(isStorable({ ...shape, stream: true }, events(said, "[DONE]"))).toBe(false);
    }
    for (const text of ["", "{", "[]", "null", '"text"']) expect(isStorable(shape, Buffer.from(text))).toBe(false);
  });

  test("completions have a text, embeddings their vectors", () => {
    const texts = json({ choices: [{ index: 0, text: "Yes", finish_reason: "stop", logprobs: null }] });
    expect(isStorable({ dialect: "openai", kind: "completions", stream: false }, texts)).toBe(true);
    const shape = { dialect: "openai", kind: "embeddings", stream: false } as const;
    expect(isStorable(shape, json({ data: [{ embedding: [1] }] }))).toBe(true);
    expect(isStorable(shape, json({ data: [] }))).toBe(false);
  });
});

describe("a stream of OpenAI's dialect", () => {
  const may = (...values: unknown[]) =>
    isStorable({ dialect: "openai", kind: "chat", stream: true }, events(...values));

  test("is kept with its end mark, after every choice has come to its own end", () => {
    expect(may(chunk({ role: "assistant" }), chunk({ content: "Yes" }), chunk({}, "stop"), "[DONE]")).toBe(true);
    expect(may(chunk({ content: "a" }), chunk({ content: "b" }, null, 1), chunk({}, "stop"), "[DONE]")).toBe(false);
    expect(
      may(chunk({ content: "a" }), chunk({ content: "b" }, null, 1), chunk({}, "stop"), chunk({}, "stop", 1), "[DONE]"),
    ).toBe(true);
  });

  test.for([
    ["without its end mark", [chunk({ content: "Yes" }), chunk({}, "stop")]],
    ["without a reason for its end", [chunk({ content: "Yes" }), "[DONE]"]],
    ["that calls a tool", [chunk({ content: "Yes" }), chunk({ tool_calls: call }), chunk({}, "stop"), "[DONE]"]],
    ["that refuses", [chunk({ content: "Yes" }), chunk({ refusal: "No" }), chunk({}, "stop"), "[DONE]"]],
    ["that was too long", [chunk({ content: "Yes" }), chunk({}, "length"), "[DONE]"]],
    ["with an error", [chunk({ content: "Yes" }), { error: { message: "no" } }, chunk({}, "stop"), "[DONE]"]],
    ["that says nothing", [chunk({ role: "assistant", content: "" }), chunk({}, "stop"), "[DONE]"]],
    ["that is not JSON", [chunk({ content: "Yes" }), "{", chunk({}, "stop"), "[DONE]"]],
  ] as const)("is not %s", ([, values]) => {
    expect(may(...values)).toBe(false);
  });
});

describe("an answer of Anthropic's dialect", () => {
  const whole = (content: unknown, stop_reason: unknown = "end_turn", rest: object = {}) =>
    isStorable({ dialect: "anthropic", kind: "chat", stream: false }, json({ content, stop_reason, ...rest }));
  const text = { type: "text", text: "Yes" };

  test("is kept where the model was done and said or thought nothing but text", () => {
    expect(whole([text])).toBe(true);
    expect(whole([{ type: "thinking", thinking: "Hm.", signature: "s" }, text], "stop_sequence")).toBe(true);
    expect(whole([{ type: "thinking", thinking: "Hm.", signature: "s" }])).toBe(false);
    expect(whole([text, { type: "tool_use", id: "1", name: "f", input: {} }])).toBe(false);
    expect(whole([text, { type: "server_tool_use", id: "1", name: "web_search", input: {} }])).toBe(false);
    for (const reason of ["max_tokens", "tool_use", "refusal", "pause_turn", null])
      expect(whole([text], reason)).toBe(false);
    expect(whole([text], "end_turn", { container: { id: "c" } })).toBe(false);
  });

  const streamed = (...values: object[]) =>
    isStorable({ dialect: "anthropic", kind: "chat", stream: true }, events(...values));
  const begin = [
    { type: "message_start", message: {} },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Yes" } },
    { type: "content_block_stop", index: 0 },
  ];
  const end = (reason: string) => ({
    type: "message_delta",
    delta: { stop_reason: reason },
    usage: { output_tokens: 1 },
  });
  const stop = { type: "message_stop" };

  test("streamed as well", () => {
    expect(streamed(...begin, end("end_turn"), stop)).toBe(true);
    expect(streamed(...begin, end("end_turn"))).toBe(false);
    expect(streamed(...begin, stop)).toBe(false);
    expect(streamed(...begin, end("max_tokens"), stop)).toBe(false);
    expect(streamed(...begin, { type: "error", error: {} }, end("end_turn"), stop)).toBe(false);
    const tool = { type: "content_block_start", index: 1, content_block: { type: "tool_use", id: "1", name: "f" } };
    expect(streamed(...begin, tool, end("end_turn"), stop)).toBe(false);
  });
});
