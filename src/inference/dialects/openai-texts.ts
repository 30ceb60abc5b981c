import { GatewayError } from "../../core/errors.ts";
import type { JsonPath } from "../../core/json-edit.ts";
import { elements, isJsonObject, TextGatherer, type JsonFields } from "../../core/json-texts.ts";
import type { TextRole, TextSlot } from "../../core/text.ts";
import { addSchemaTexts } from "./schema-texts.ts";

const roles: Readonly<Record<string, TextRole>> = {
  system: "system",
  developer: "system",
  assistant: "assistant",
  tool: "tool-output",
  function: "tool-output",
};

/** The texts of a chat request: messages with their tool calls and results, and what the tools say they do. */
export function chatTexts(body: unknown): readonly TextSlot[] {
  const texts = new TextGatherer();
  if (!isJsonObject(body)) return texts.slots;
  for (const [message, path] of elements(body["messages"], ["messages"])) {
    if (!isJsonObject(message)) continue;
    addMessage(texts, message, path, roles[String(message["role"])] ?? "user");
  }
  for (const name of ["tools", "functions", "response_format"]) addSchemaTexts(texts, body[name], [name]);
  addNames(texts, body);
  if (isJsonObject(body["prediction"]))
    addContent(texts, body["prediction"]["content"], ["prediction", "content"], "assistant");
  return texts.slots;
}

/** The texts of `prompt` or `input`. Rejects token ids, which no guard can read. */
export function promptTexts(body: unknown, names: readonly string[]): readonly TextSlot[] {
  const texts = new TextGatherer();
  if (!isJsonObject(body)) return texts.slots;
  for (const name of names) {
    const value = body[name];
    texts.add(value, [name], "user");
    for (const [element, path] of elements(value, [name])) {
      if (typeof element === "number" || Array.isArray(element))
        throw new GatewayError("denied", `The guards here cannot read token ids: send \`${name}\` as text.`, {
          param: name,
        });
      texts.addAll(element, path, "user");
    }
  }
  return texts.slots;
}

/** What one message says, of a request or of an answer. */
export function addMessage(texts: TextGatherer, message: JsonFields, path: JsonPath, role: TextRole): void {
  addContent(texts, message["content"], [...path, "content"], role);
  for (const name of spoken) texts.add(message[name], [...path, name], role);
  addThoughts(texts, message, path, role);
  if (isJsonObject(message["audio"])) texts.add(message["audio"]["transcript"], [...path, "audio", "transcript"], role);
  if (isJsonObject(message["function_call"]))
    texts.addJson(message["function_call"]["arguments"], [...path, "function_call", "arguments"], "tool-input");
  for (const [call, at] of elements(message["tool_calls"], [...path, "tool_calls"])) {
    if (!isJsonObject(call)) continue;
    if (isJsonObject(call["function"]))
      texts.addJson(call["function"]["arguments"], [...at, "function", "arguments"], "tool-input");
    if (isJsonObject(call["custom"])) texts.add(call["custom"]["input"], [...at, "custom", "input"], "tool-input");
  }
}

/** What a message says besides its content: `reasoning_content` and `reasoning` are what vLLM and others call the thoughts they show. */
export const spoken = ["refusal", "reasoning_content", "reasoning"] as const;

/** The thoughts of a provider of another dialect, which a caller gives back as they came. */
export function addThoughts(texts: TextGatherer, message: JsonFields, path: JsonPath, role: TextRole): void {
  for (const [block, at] of elements(message["thinking_blocks"], [...path, "thinking_blocks"]))
    if (isJsonObject(block)) texts.add(block["thinking"], [...at, "thinking"], role);
}

function addContent(texts: TextGatherer, content: unknown, path: JsonPath, role: TextRole): void {
  texts.add(content, path, role);
  for (const [part, at] of elements(content, path)) {
    if (!isJsonObject(part)) {
      texts.add(part, at, role);
      continue;
    }
    texts.add(part["text"], [...at, "text"], role);
    texts.add(part["refusal"], [...at, "refusal"], role);
    if (isJsonObject(part["file"])) texts.add(part["file"]["filename"], [...at, "file", "filename"], role);
  }
}

/** What a request says of whoever stands behind it: no model reads it, the provider does. */
function addNames(texts: TextGatherer, body: JsonFields): void {
  for (const name of ["user", "safety_identifier"]) texts.add(body[name], [name], "user");
  texts.addAll(body["metadata"], ["metadata"], "user");
}
