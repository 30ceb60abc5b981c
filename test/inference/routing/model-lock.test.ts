import { describe, expect, test } from "vitest";
import { findModelLock } from "../../../src/inference/routing/model-lock.ts";

const asked = { role: "user", content: "What is the weather?" };
const called = {
  role: "assistant",
  content: null,
  tool_calls: [
    { id: "call_1", type: "function" },
    { id: "call_2", type: "function" },
  ],
};
const result = { role: "tool", tool_call_id: "call_1", content: "sunny" };
const answered = { role: "assistant", content: "It is sunny." };
const used = {
  role: "assistant",
  content: [
    { type: "text", text: "Let me look." },
    { type: "tool_use", id: "toolu_1", name: "weather", input: {} },
  ],
};
const given = { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "sunny" }] };

describe("a model is kept", () => {
  test.each([
    ["a tool's result comes last", [asked, called, result], ["call_1", "call_2"]],
    [
      "the caller begins the answer",
      [asked, called, result, { role: "assistant", content: "{" }],
      ["call_1", "call_2"],
    ],
    ["a call is not answered yet", [asked, called], ["call_1", "call_2"]],
    [
      "the user adds something to a result",
      [asked, called, result, { role: "user", content: "and the picture" }],
      ["call_1", "call_2"],
    ],
    ["the history before the result was cut off", [result], ["call_1"]],
    ["a function of the older form answered", [asked, { role: "function", name: "weather", content: "sunny" }], []],
    ["a function of the older form is called", [asked, { role: "assistant", function_call: { name: "weather" } }], []],
    ["a tool_result comes last", [asked, used, given], ["toolu_1"]],
    [
      "a tool_result and words come last",
      [asked, used, { role: "user", content: [...given.content, { type: "text", text: "go on" }] }],
      ["toolu_1"],
    ],
    [
      "a tool of the provider paused",
      [asked, { role: "assistant", content: [{ type: "server_tool_use", id: "srvtoolu_1" }] }],
      ["srvtoolu_1"],
    ],
  ])("while %s", (_, messages, keys) => {
    expect(findModelLock({ model: "smart", messages })).toEqual({ reason: "tool_loop", keys });
  });

  test("for what a provider keeps, and for open calls beside it", () => {
    const container = "container_1";
    expect(findModelLock({ container, messages: [asked, used, given] })).toEqual({
      reason: "provider_state",
      keys: ["toolu_1"],
      kept: "container_1",
    });
  });

  test("by its first call, however many there were at once", () => {
    const ids = Array.from({ length: 40 }, (_, index) => `call_${index}`);
    const messages = [
      asked,
      { role: "assistant", content: null, tool_calls: ids.map((id) => ({ id, type: "function" })) },
      ...ids.map((id) => ({ role: "tool", tool_call_id: id, content: "x" })),
    ];
    const lock = findModelLock({ messages });
    expect(lock?.keys).toHaveLength(16);
    expect(lock?.keys[0]).toBe("call_0");
  });

  test("while a call of the responses form is open", () => {
    const call = { type: "function_call", call_id: "call_9", name: "weather" };
    const output = { type: "function_call_output", call_id: "call_9", output: "sunny" };
    expect(findModelLock({ input: [asked, call, output] })).toEqual({ reason: "tool_loop", keys: ["call_9"] });
    expect(findModelLock({ input: "hi" })).toBeUndefined();
  });

  test.each([
    [{ previous_response_id: "resp_1", input: "hi" }, "resp_1"],
    [{ conversation: { id: "conv_1" }, input: "hi" }, "conv_1"],
    [{ container: "container_1", messages: [asked] }, "container_1"],
  ])("while the provider holds what the request refers to: %j", (body, key) => {
    expect(findModelLock(body)).toEqual({ reason: "provider_state", keys: [], kept: key });
  });
});

describe("a model may change", () => {
  test.each([
    ["at the beginning", [asked]],
    ["after the answer that ends a loop", [asked, called, result, answered, asked]],
    ["after the answer that ends a loop of messages", [asked, used, given, answered, asked]],
    [
      "after a tool of the provider was answered",
      [
        asked,
        {
          role: "assistant",
          content: [
            { type: "server_tool_use", id: "s" },
            { type: "web_search_tool_result", tool_use_id: "s" },
            { type: "text", text: "Sunny." },
          ],
        },
        asked,
      ],
    ],
    ["when the list of calls is empty", [asked, { role: "assistant", content: "Hello.", tool_calls: [] }, asked]],
    ["when the caller begins the answer", [asked, { role: "assistant", content: "{" }]],
    ["when there are no messages", []],
    ["when messages are no objects", [null, 7, "x", [], { role: "user", content: [null, 7] }]],
  ])("%s", (_, messages) => {
    expect(findModelLock({ messages })).toBeUndefined();
  });

  test.each([undefined, null, 7, "x", [], {}, { messages: {} }, { previous_response_id: null, messages: [asked] }])(
    "for the body %j",
    (body) => {
      expect(findModelLock(body)).toBeUndefined();
    },
  );
});

test("keys are bounded in number and length", () => {
  const calls = Array.from({ length: 100 }, (_, index) => ({ id: `call_${index}` }));
  const lock = findModelLock({ messages: [{ role: "assistant", tool_calls: [{ id: "x".repeat(300) }, ...calls] }] });
  expect(lock?.keys).toHaveLength(16);
  expect(lock?.keys[0]).toBe("call_0");
});
