import { afterAll, expect, test } from "vitest";
import type { TextSlot } from "../../src/core/text.ts";
import { splice } from "../../src/http/json-splice.ts";
import { chatTexts, promptTexts } from "../../src/inference/dialects/openai-texts.ts";
import { messagesTexts } from "../../src/inference/dialects/anthropic-texts.ts";
import { buildGuardrails, createDeps, requestOf } from "../guardrails/guard-scene.ts";

/* A request with a value in every place that holds a string: those that leave with theirs are known. */

const deps = createDeps();
afterAll(() => deps.close());
const guardrails = buildGuardrails([{ type: "pii", mask: ["email"], restore: true }], deps);

const value = "alice@example.com";

/** Where the value still stands after masking, and in the name of a member. */
async function leaving(body: object, texts: (body: unknown) => readonly TextSlot[]): Promise<string[]> {
  const request = requestOf("llm", ...texts(body));
  const verdict = await guardrails.input(request);
  if (!verdict.pass) throw new Error(verdict.message);
  const given = texts(body);
  const edits = [...(verdict.texts ?? [])].map(([index, text]) => ({
    path: given[index]?.path ?? [],
    json: JSON.stringify(text),
  }));
  const sent = JSON.parse(splice(Buffer.from(JSON.stringify(body)), edits).toString()) as unknown;
  const places: string[] = [];
  const walk = (at: unknown, path: string): void => {
    if (typeof at === "string" && at.includes(value)) places.push(path);
    if (typeof at === "object" && at !== null)
      for (const [key, member] of Object.entries(at))
        walk(member, Array.isArray(at) ? path : path === "" ? key : `${path}.${key}`);
  };
  walk(sent, "");
  return [...new Set(places)].toSorted();
}

const schema = {
  type: "object",
  title: value,
  description: value,
  properties: {
    to: { description: value, enum: [value], default: value, examples: [value], const: value, pattern: "x" },
    of: {
      examples: [{ to: value, name: value }],
      default: { type: [value] },
      $comment: value,
      enumDescriptions: [value],
      "x-note": value,
    },
  },
};

test("of a chat completion", async () => {
  const body = {
    model: "m",
    user: value,
    safety_identifier: value,
    prompt_cache_key: value,
    metadata: { a: value },
    stop: [value],
    seed: 123456789012,
    prediction: { type: "content", content: [{ type: "text", text: value }] },
    response_format: { type: "json_schema", json_schema: { name: "a", description: value, schema } },
    tools: [
      { type: "function", function: { name: "f", description: value, parameters: schema } },
      {
        type: "custom",
        custom: { name: "c", description: value, format: { type: "grammar", grammar: { definition: value } } },
      },
    ],
    functions: [{ name: "f", description: value, parameters: schema }],
    // What servers of this dialect take besides.
    documents: [{ title: value, text: value }],
    chat_template_kwargs: { style: value },
    guided_choice: [value],
    messages: [
      { role: "system", content: value },
      { role: "developer", content: [{ type: "text", text: value }], name: value },
      {
        role: "user",
        name: value,
        content: [
          { type: "text", text: value },
          { type: "image_url", image_url: { url: `https://example.com/${value}` } },
          { type: "input_audio", input_audio: { data: value, format: "wav" } },
          { type: "file", file: { filename: value, file_data: `data:text/plain,${value}`, file_id: value } },
          { type: "of_a_new_kind", of_a_new_kind: { said: value } },
        ],
      },
      {
        role: "assistant",
        content: [{ type: "refusal", refusal: value }],
        refusal: value,
        reasoning_content: value,
        reasoning: value,
        reasoning_details: [{ text: value }],
        thinking_blocks: [{ type: "thinking", thinking: value, signature: value }],
        annotations: [{ type: "url_citation", url_citation: { title: value } }],
        audio: { id: "a", transcript: value },
        function_call: { name: "f", arguments: JSON.stringify({ to: value }) },
        tool_calls: [
          { id: "1", type: "function", function: { name: "f", arguments: JSON.stringify({ to: value }) } },
          { id: "2", type: "custom", custom: { name: "c", input: value } },
        ],
      },
      { role: "tool", tool_call_id: "1", content: value },
      { role: "tool", tool_call_id: "2", content: [{ type: "text", text: value }] },
    ],
  };
  expect(await leaving(body, chatTexts)).toEqual([
    "messages.content.file.file_data",
    "messages.content.file.file_id",
    "messages.content.image_url.url",
    "messages.content.input_audio.data",
    "messages.thinking_blocks.signature",
  ]);
});

test("of numbers in what a tool was called with, as JSON and as its text", async () => {
  const numbers = { phone: 4155550123, ssn: 457555462, card: 4111111111111111, id: 4155550199, at: 1732355984123 };
  const pii = buildGuardrails([{ type: "pii", mask: ["phone", "ssn", "card"] }], deps);
  const sent = async (slots: readonly TextSlot[]) => {
    const request = requestOf("llm", ...slots);
    await pii.input(request);
    return request.slots.map(({ text }) => text).join();
  };
  const call = { type: "function", function: { name: "f", arguments: JSON.stringify(numbers) } };
  for (const texts of [
    await sent(messagesTexts({ messages: [{ role: "assistant", content: [{ type: "tool_use", input: numbers }] }] })),
    await sent(chatTexts({ messages: [{ role: "assistant", tool_calls: [call] }] })),
  ]) {
    for (const masked of ["4155550123", "457555462", "4111111111111111"]) expect(texts).not.toContain(masked);
    for (const left of ["4155550199", "1732355984123"]) expect(texts).toContain(left);
  }
});

test("of completions and embeddings", async () => {
  const body = {
    model: "m",
    prompt: [value],
    suffix: value,
    input: value,
    user: value,
    stop: value,
    metadata: { a: value },
  };
  expect(await leaving(body, (given) => promptTexts(given, ["prompt", "suffix", "input"]))).toEqual([]);
});

test("of messages", async () => {
  const source = { type: "text", media_type: "text/plain", data: value };
  const body = {
    model: "m",
    system: [{ type: "text", text: value }],
    metadata: { user_id: value, of_a_new_kind: value },
    stop_sequences: [value],
    output_config: { format: { type: "json_schema", schema } },
    output_format: { type: "json_schema", schema },
    context_management: { edits: [{ type: "compact", instructions: value }] },
    // What servers of this dialect take besides.
    prompt: value,
    documents: [{ title: value, text: value }],
    container: { id: "c", skills: [{ skill_id: value }] },
    mcp_servers: [{ type: "url", url: `https://example.com/${value}`, name: "m", authorization_token: value }],
    tools: [
      { name: "f", description: value, input_schema: schema, input_examples: [{ to: value, name: value }] },
      { type: "web_search_20250305", name: "web_search", user_location: { type: "approximate", city: value } },
    ],
    messages: [
      {
        role: "user",
        of_a_new_kind: value,
        content: [
          {
            type: "text",
            text: value,
            citations: [{ type: "char_location", cited_text: value, document_title: value }],
          },
          { type: "document", title: value, context: value, source },
          { type: "document", source: { type: "content", content: [{ type: "text", text: value }] } },
          { type: "document", source: { type: "base64", media_type: "application/pdf", data: value } },
          { type: "image", source: { type: "url", url: `https://example.com/${value}` } },
          { type: "search_result", source: value, title: value, content: [{ type: "text", text: value }] },
          {
            type: "tool_result",
            tool_use_id: "t",
            content: [
              { type: "text", text: value },
              { type: "document", source },
            ],
          },
        ],
      },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: value, signature: value },
          { type: "redacted_thinking", data: value },
          { type: "tool_use", id: "t", name: "f", input: { to: value, list: [{ to: value }] } },
          { type: "server_tool_use", id: "s", name: "web_search", input: { query: value } },
          {
            type: "web_search_tool_result",
            tool_use_id: "s",
            content: [{ type: "web_search_result", title: value, encrypted_content: value }],
          },
          {
            type: "bash_code_execution_tool_result",
            tool_use_id: "b",
            content: { type: "r", stdout: value, stderr: value },
          },
          { type: "of_a_new_kind", said: { so: value } },
        ],
      },
    ],
  };
  expect(await leaving(body, messagesTexts)).toEqual([
    "container.skills.skill_id",
    "mcp_servers.authorization_token",
    "mcp_servers.url",
    "messages.content.content.encrypted_content",
    "messages.content.data",
    "messages.content.signature",
    "messages.content.source.data",
    "messages.content.source.url",
  ]);
});
