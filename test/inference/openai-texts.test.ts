import { describe, expect, test } from "vitest";
import type { AnswerEvent } from "../../src/core/step.ts";
import { createOpenaiForm } from "../../src/inference/dialects/openai-answer-form.ts";
import { chatTexts, promptTexts } from "../../src/inference/dialects/openai-texts.ts";

const eventOf = (value: unknown, last = false): AnswerEvent => ({
  value,
  bytes: Buffer.from(JSON.stringify(value)),
  last,
});
const chunk = (delta: unknown, rest: object = {}, index = 0) =>
  eventOf({ id: "c1", object: "chat.completion.chunk", choices: [{ index, delta, finish_reason: null, ...rest }] });

describe("the texts of a chat request", () => {
  test("are whatever the model reads, with the role of who said it", () => {
    const body = {
      messages: [
        { role: "developer", content: "be brief" },
        {
          role: "user",
          content: [
            { type: "text", text: "what is this?" },
            { type: "image_url", image_url: { url: "https://x" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "1", function: { name: "f", arguments: '{"a":"b"}' } }],
        },
        { role: "tool", tool_call_id: "1", content: "a result" },
      ],
      tools: [
        {
          type: "function",
          function: {
            name: "f",
            description: "does f",
            parameters: { properties: { a: { type: "string", description: "an a" } } },
          },
        },
      ],
    };
    expect(chatTexts(body).map(({ role, text, path, json }) => [role, text, path.join("."), json ?? false])).toEqual([
      ["system", "be brief", "messages.0.content", false],
      ["user", "what is this?", "messages.1.content.0.text", false],
      ["tool-input", '{"a":"b"}', "messages.2.tool_calls.0.function.arguments", true],
      ["tool-output", "a result", "messages.3.content", false],
      ["system", "does f", "tools.0.function.description", false],
      ["system", "an a", "tools.0.function.parameters.properties.a.description", false],
    ]);
  });

  test("of prompts and inputs are texts; token ids, which no guard can read, are refused", () => {
    expect(promptTexts({ input: ["a", "b"] }, ["input"]).map(({ text }) => text)).toEqual(["a", "b"]);
    expect(() => promptTexts({ input: [1, 2] }, ["input"])).toThrow(expect.objectContaining({ kind: "denied" }));
    expect(() => promptTexts({ input: [[1, 2]] }, ["input"])).toThrow(expect.objectContaining({ kind: "denied" }));
  });
});

describe("the texts of an answer", () => {
  test("of a whole chat are whole, one channel each, and end with it", () => {
    const message = {
      role: "assistant",
      content: "hi",
      refusal: null,
      tool_calls: [{ function: { arguments: "{}" } }],
    };
    const { slots, ended, repeats } = createOpenaiForm().read(
      eventOf({ choices: [{ index: 0, message, logprobs: { content: [] }, finish_reason: "stop" }] }, true),
    );
    expect(slots.map(({ text, json }) => [text, json ?? false])).toEqual([
      ["hi", false],
      ["{}", true],
    ]);
    expect(ended).toEqual(slots.map(({ channel }) => channel));
    expect(repeats).toEqual([["choices", 0, "logprobs"]]);
  });

  test("of a stream go on in their channel until the choice finishes, each choice for itself", () => {
    const form = createOpenaiForm();
    const channels = [chunk({ content: "a" }), chunk({ content: "b" }), chunk({ content: "x" }, {}, 1)].map(
      (event) => form.read(event).slots[0]?.channel,
    );
    expect(channels[0]).toBe(channels[1]);
    expect(channels[2]).not.toBe(channels[0]);
    expect(form.read(chunk({}, { finish_reason: "stop" })).ended).toEqual([channels[0]]);
  });

  test("that give way to another kind end before it, and can still be written", () => {
    const form = createOpenaiForm();
    const [thought] = form.read(chunk({ reasoning_content: "hm" })).slots;
    const { slots, ended } = form.read(chunk({ content: "so" }));
    expect(ended).toEqual([thought?.channel]);
    expect(form.write(String(thought?.channel), "m").value).toEqual({
      id: "c1",
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta: { reasoning_content: "m" }, finish_reason: null }],
    });
    expect(slots[0]?.channel).not.toBe(thought?.channel);
  });

  test("that are said under two names in each event go on under both", () => {
    const form = createOpenaiForm();
    const both = (text: string) => chunk({ content: null, reasoning: text, reasoning_content: text });
    const first = form.read(both("h"));
    const second = form.read(both("m"));
    expect([first.ended, second.ended]).toEqual([[], []]);
    expect(second.slots.map(({ channel }) => channel)).toEqual(first.slots.map(({ channel }) => channel));
    expect(form.read(chunk({ content: "so" })).ended.toSorted()).toEqual(
      first.slots.map(({ channel }) => channel).toSorted(),
    );
  });

  test.each([
    ["the transcript of what is heard", { audio: { id: "a", transcript: "EMP-1" } }],
    [
      "details of thoughts",
      { reasoning_details: [{ type: "reasoning.text", text: "EMP-1", index: 0, signature: "s" }] },
    ],
    ["parts of a content", { content: [{ type: "thinking", thinking: [{ type: "text", text: "EMP-1" }] }] }],
    ["a content that is one part", { content: { type: "text", text: "EMP-1" } }],
    ["thoughts in a structure", { reasoning: { text: "EMP-1" } }],
    ["a member that nobody knows", { index: 7, of_a_new_kind: [["EMP-1"]] }],
  ])("are read in streams wherever they stand, go on in the next event and can be written there: %s", (_, delta) => {
    const form = createOpenaiForm();
    const [slot, ...others] = form.read(chunk(delta)).slots;
    expect(others).toEqual([]);
    expect(slot?.text).toBe("EMP-1");
    expect(form.read(chunk(delta)).slots[0]?.channel).toBe(slot?.channel);
    const { value } = form.write(String(slot?.channel), "EMP-1");
    expect(value).toEqual(JSON.parse(chunk(delta).bytes.toString().replace(',"signature":"s"', "")));
    expect(form.read(chunk({}, { finish_reason: "stop" })).ended).toEqual([slot?.channel]);
  });

  test("are what stands beside the choices too, and no event that is written says it again", () => {
    const form = createOpenaiForm();
    const search = {
      citations: ["cited"],
      search_results: [{ title: "found", url: "https://x" }],
      usage: { size: "low" },
    };
    const value = { id: "c1", object: "o", model: "m", ...search, choices: [{ index: 0, delta: { content: "hi" } }] };
    const { slots, ended } = form.read(eventOf(value));
    expect(slots.map(({ text }) => text)).toEqual(["cited", "found", "hi"]);
    expect(ended).toEqual(slots.slice(0, 2).map(({ channel }) => channel));
    expect(form.write(String(slots[2]?.channel), "!").value).toEqual({
      id: "c1",
      object: "o",
      model: "m",
      choices: [{ index: 0, delta: { content: "!" }, finish_reason: null }],
    });
  });

  test("are the thoughts of another dialect's provider too, in a request, a whole answer and a stream", () => {
    const message = {
      role: "assistant",
      content: "so",
      thinking_blocks: [
        { type: "thinking", thinking: "hm", signature: "s" },
        { type: "redacted_thinking", data: "d" },
      ],
    };
    const thought = { text: "hm", role: "assistant" };
    expect(chatTexts({ messages: [message] })).toContainEqual(
      expect.objectContaining({ ...thought, path: ["messages", 0, "thinking_blocks", 0, "thinking"] }),
    );
    const whole = createOpenaiForm().read(eventOf({ choices: [{ index: 0, message, finish_reason: "stop" }] }, true));
    expect(whole.slots).toContainEqual(
      expect.objectContaining({ ...thought, path: ["choices", 0, "message", "thinking_blocks", 0, "thinking"] }),
    );
    const { slots, ended } = createOpenaiForm().read(chunk({ thinking_blocks: message.thinking_blocks }));
    expect(slots).toEqual([
      expect.objectContaining({ ...thought, path: ["choices", 0, "delta", "thinking_blocks", 0, "thinking"] }),
    ]);
    expect(ended).toEqual([slots[0]?.channel]);
  });

  test("of parallel tool calls are apart, in pieces of JSON, and written where they belong", () => {
    const form = createOpenaiForm();
    const call = (index: number, text: string) => chunk({ tool_calls: [{ index, function: { arguments: text } }] });
    const first = form.read(call(0, '{"a"')).slots[0];
    const second = form.read(call(1, '{"b"')).slots[0];
    expect([first?.json, second?.json]).toEqual([true, true]);
    expect(form.read(call(0, ":1}")).slots[0]?.channel).toBe(first?.channel);
    expect(form.write(String(second?.channel), ":2}").value).toMatchObject({
      choices: [{ delta: { tool_calls: [{ index: 1, function: { arguments: ":2}" } }] } }],
    });
  });

  test("of streamed completions are their texts", () => {
    const form = createOpenaiForm();
    const [slot] = form.read(eventOf({ choices: [{ index: 0, text: "once", finish_reason: null }] })).slots;
    expect(slot).toMatchObject({ text: "once", path: ["choices", 0, "text"] });
    expect(form.write(String(slot?.channel), "upon").value).toMatchObject({ choices: [{ index: 0, text: "upon" }] });
  });
});
