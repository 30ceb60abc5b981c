import { expect, test } from "vitest";
import { createMcpForm, questionTexts, replyTexts, requestTexts } from "../../src/mcp/texts.ts";
import type { TextSlot } from "../../src/core/text.ts";

const shown = (slots: readonly TextSlot[]) => slots.map(({ role, text, path }) => [role, text, path.join(".")]);

test("the texts of a request are a tool's arguments, a prompt's, what is completed, and replies to questions", () => {
  expect(
    shown(requestTexts({ method: "tools/call", params: { name: "f", arguments: { a: ["b"], url: "c" } } })),
  ).toEqual([
    ["tool-input", "b", "params.arguments.a.0"],
    ["tool-input", "c", "params.arguments.url"],
  ]);
  expect(shown(requestTexts({ method: "prompts/get", params: { name: "p", arguments: { topic: "t" } } }))).toEqual([
    ["user", "t", "params.arguments.topic"],
  ]);
  expect(
    shown(
      requestTexts({
        method: "completion/complete",
        params: { ref: {}, argument: { name: "n", value: "v" }, context: { arguments: { other: "w" } } },
      }),
    ),
  ).toEqual([
    ["user", "v", "params.argument.value"],
    ["user", "w", "params.context.arguments.other"],
  ]);
  const inputResponses = {
    asked: { action: "accept", content: { name: "ada" } },
    sampled: { role: "assistant", model: "m", content: { type: "text", text: "hi" } },
  };
  expect(shown(requestTexts({ method: "tools/call", params: { inputResponses } }))).toEqual([
    ["user", "ada", "params.inputResponses.asked.content.name"],
    ["assistant", "hi", "params.inputResponses.sampled.content.text"],
  ]);
  expect(shown(replyTexts({ id: 1, result: inputResponses.sampled }))).toEqual([
    ["assistant", "hi", "result.content.text"],
  ]);
});

test("the texts of a server's question are what it has the client's model or person read", () => {
  const messages = [{ role: "user", content: { type: "text", text: "summarise" } }];
  expect(shown(questionTexts({ method: "sampling/createMessage", params: { systemPrompt: "s", messages } }))).toEqual([
    ["system", "s", "params.systemPrompt"],
    ["tool-output", "summarise", "params.messages.0.content.text"],
  ]);
  const properties = {
    name: { type: "string", title: "n", description: "as ever", enum: ["ada"], enumNames: ["Ada"] },
  };
  const requestedSchema = { type: "object", properties, required: ["name"] };
  expect(
    shown(questionTexts({ method: "elicitation/create", params: { message: "your name?", requestedSchema } })),
  ).toEqual([
    ["tool-output", "your name?", "params.message"],
    ["tool-output", "n", "params.requestedSchema.properties.name.title"],
    ["tool-output", "as ever", "params.requestedSchema.properties.name.description"],
    ["tool-output", "ada", "params.requestedSchema.properties.name.enum.0"],
    ["tool-output", "Ada", "params.requestedSchema.properties.name.enumNames.0"],
    ["tool-output", "name", "params.requestedSchema.required.0"],
  ]);
  const tools = [{ name: "f", description: "does f", inputSchema: { properties: { a: { description: "an a" } } } }];
  expect(shown(questionTexts({ method: "sampling/createMessage", params: { messages: [], tools } }))).toEqual([
    ["tool-output", "does f", "params.tools.0.description"],
    ["tool-output", "an a", "params.tools.0.inputSchema.properties.a.description"],
  ]);
});

test("the texts of an answer are those of its content, whatever holds it, and each is whole", () => {
  const read = (value: object) => {
    const { slots, ended } = createMcpForm().read({ value, bytes: Buffer.alloc(0), last: true });
    expect(ended).toEqual(slots.map(({ channel }) => channel));
    return shown(slots).map(([, text, path]) => [text, path]);
  };
  const content = [
    { type: "text", text: "a" },
    { type: "image", data: "AAAA", mimeType: "image/png" },
    { type: "resource", resource: { uri: "file:///b", text: "b" } },
    { type: "resource_link", uri: "file:///c", name: "c", description: "d" },
  ];
  expect(read({ result: { content, structuredContent: { e: "f" } } })).toEqual([
    ["a", "result.content.0.text"],
    ["b", "result.content.2.resource.text"],
    ["c", "result.content.3.name"],
    ["d", "result.content.3.description"],
    ["f", "result.structuredContent.e"],
  ]);
  expect(read({ result: { messages: [{ role: "user", content: { type: "text", text: "p" } }] } })).toEqual([
    ["p", "result.messages.0.content.text"],
  ]);
  expect(
    read({
      result: {
        contents: [
          { uri: "u", text: "t" },
          { uri: "v", blob: "AA" },
        ],
      },
    }),
  ).toEqual([["t", "result.contents.0.text"]]);
  expect(read({ error: { code: 1, message: "no", data: { why: ["d"] } } })).toEqual([
    ["no", "error.message"],
    ["d", "error.data.why.0"],
  ]);
  expect(read({ result: { completion: { values: ["v"] } } })).toEqual([["v", "result.completion.values.0"]]);
  expect(read({ result: { resultType: "complete", _meta: { a: "m" }, of_a_new_kind: [{ said: "n" }] } })).toEqual([
    ["n", "result.of_a_new_kind.0.said"],
  ]);
  expect(read({ method: "notifications/progress", params: { progress: 1, message: "half" } })).toEqual([
    ["half", "params.message"],
  ]);
  const params = { level: "info", data: { said: "l" }, progressToken: "p", requestId: "r", of_a_new_kind: "n" };
  expect(read({ method: "notifications/message", params })).toEqual([
    ["l", "params.data.said"],
    ["n", "params.of_a_new_kind"],
  ]);
});
