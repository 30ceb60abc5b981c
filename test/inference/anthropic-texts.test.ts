import { describe, expect, test } from "vitest";
import type { AnswerEvent } from "../../src/core/step.ts";
import { createAnthropicForm } from "../../src/inference/dialects/anthropic-answer-form.ts";
import { messagesTexts } from "../../src/inference/dialects/anthropic-texts.ts";

const eventOf = (value: { readonly type: string }): AnswerEvent => ({
  name: value.type,
  value,
  bytes: Buffer.from(JSON.stringify(value)),
  last: false,
});

test("the texts of a messages request are whatever the model reads, with the role of who said it", () => {
  const body = {
    system: [{ type: "text", text: "be brief", cache_control: { type: "ephemeral" } }],
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "read this" },
          { type: "document", title: "t", source: { type: "text", media_type: "text/plain", data: "a document" } },
          { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
        ],
      },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "hm", signature: "s" },
          { type: "tool_use", id: "1", name: "f", input: { a: { data: "x" } } },
        ],
      },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "1", content: [{ type: "text", text: "y" }] }] },
    ],
    tools: [{ name: "f", description: "does f", input_schema: { properties: { a: { description: "an a" } } } }],
  };
  expect(messagesTexts(body).map(({ role, text, path }) => [role, text, path.join(".")])).toEqual([
    ["system", "be brief", "system.0.text"],
    ["user", "read this", "messages.0.content.0.text"],
    ["user", "t", "messages.0.content.1.title"],
    ["user", "a document", "messages.0.content.1.source.data"],
    ["assistant", "hm", "messages.1.content.0.thinking"],
    ["tool-input", "x", "messages.1.content.1.input.a.data"],
    ["tool-output", "y", "messages.2.content.0.content.0.text"],
    ["system", "does f", "tools.0.description"],
    ["system", "an a", "tools.0.input_schema.properties.a.description"],
  ]);
});

describe("the texts of a messages answer", () => {
  test("of a whole one are its blocks", () => {
    const content = [
      { type: "text", text: "hi" },
      { type: "tool_use", id: "1", name: "f", input: { a: "b" } },
    ];
    const { slots, ended } = createAnthropicForm().read({
      ...eventOf({ type: "message", content } as never),
      last: true,
    });
    expect(slots.map(({ text, path }) => [text, path.join(".")])).toEqual([
      ["hi", "content.0.text"],
      ['{"a":"b"}', "content.1.input"],
    ]);
    expect(ended).toEqual(slots.map(({ channel }) => channel));
  });

  test.each([
    ["text_delta", "text", false],
    ["thinking_delta", "thinking", false],
    ["input_json_delta", "partial_json", true],
  ])("of a stream go on in their block until it stops, and can be written into it: %s", (type, member, json) => {
    const form = createAnthropicForm();
    const delta = (text: string) =>
      eventOf({ type: "content_block_delta", index: 3, delta: { type, [member]: text } } as never);
    const [first] = form.read(delta("a")).slots;
    const [second] = form.read(delta("b")).slots;
    expect([first?.channel, first?.json ?? false]).toEqual([second?.channel, json]);
    expect(form.read(eventOf({ type: "content_block_stop", index: 3 } as never)).ended).toEqual([first?.channel]);
    expect(form.write(String(first?.channel), "c")).toMatchObject({
      name: "content_block_delta",
      value: { type: "content_block_delta", index: 3, delta: { type, [member]: "c" } },
    });
  });

  test("are found beside its content, and in what opens a stream", () => {
    const message = {
      type: "message",
      id: "m",
      role: "assistant",
      model: "c",
      content: [{ type: "text", text: "hi" }],
      stop_reason: "refusal",
      stop_details: { type: "refusal", explanation: "no" },
      usage: { service_tier: "standard" },
    };
    const shown = (value: { readonly type: string }) => {
      const { slots, ended } = createAnthropicForm().read(eventOf(value));
      expect(ended).toEqual(slots.map(({ channel }) => channel));
      return slots.map(({ text, path }) => [text, path.join(".")]);
    };
    expect(shown(message)).toEqual([
      ["hi", "content.0.text"],
      ["no", "stop_details.explanation"],
    ]);
    expect(shown({ type: "message_start", message } as never)).toEqual([
      ["hi", "message.content.0.text"],
      ["no", "message.stop_details.explanation"],
    ]);
    const { stop_reason, stop_details, usage } = message;
    expect(shown({ type: "message_delta", delta: { stop_reason, stop_details }, usage } as never)).toEqual([
      ["no", "delta.stop_details.explanation"],
    ]);
    expect(shown({ type: "of_a_new_kind", said: { so: "n" } } as never)).toEqual([["n", "said.so"]]);
    expect(shown({ type: "ping" })).toEqual([]);
  });

  test("of a thought end before its signature", () => {
    const form = createAnthropicForm();
    const delta = (value: object) => eventOf({ type: "content_block_delta", index: 0, delta: value } as never);
    const [thought] = form.read(delta({ type: "thinking_delta", thinking: "hm" })).slots;
    expect(form.read(delta({ type: "signature_delta", signature: "s" })).ended).toEqual([thought?.channel]);
  });
});
