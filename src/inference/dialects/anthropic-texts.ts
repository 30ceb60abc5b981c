import type { JsonPath } from "../../core/json-edit.ts";
import { elements, isJsonObject, TextGatherer, type JsonFields } from "../../core/json-texts.ts";
import type { TextRole, TextSlot } from "../../core/text.ts";
import { addSchemaTexts } from "./schema-texts.ts";

/** The texts of a messages request: system prompt, messages with their tool calls, results and thoughts, and what the tools say they do. */
export function messagesTexts(body: unknown): readonly TextSlot[] {
  const texts = new TextGatherer();
  if (!isJsonObject(body)) return texts.slots;
  addContent(texts, body["system"], ["system"], "system");
  for (const [message, path] of elements(body["messages"], ["messages"])) {
    if (!isJsonObject(message)) continue;
    const role = roles[String(message["role"])] ?? "user";
    addContent(texts, message["content"], [...path, "content"], role);
    addRest(texts, message, messageMembers, path, role);
  }
  for (const name of ["tools", "output_config", "output_format"]) addSchemaTexts(texts, body[name], [name]);
  // No model reads of whom the request is; the provider does.
  for (const name of ["metadata", "stop_sequences"]) texts.addAll(body[name], [name], "user");
  addRest(texts, body, requestMembers, [], "user");
  return texts.slots;
}

/** What else an object says: servers of this dialect take and give more than its author's. */
export function addRest(
  texts: TextGatherer,
  fields: JsonFields,
  read: ReadonlySet<string>,
  path: JsonPath,
  role: TextRole,
): void {
  for (const [name, value] of Object.entries(fields))
    if (!read.has(name)) texts.addAll(value, [...path, name], role, (key) => !notText.has(String(key)));
}

const messageMembers = new Set(["role", "content"]);
/* What is read above, what names things, and words that the provider chose. */
const requestMembers = new Set([
  "model",
  "system",
  "messages",
  "tools",
  "output_config",
  "output_format",
  "metadata",
  "stop_sequences",
  "container",
  "inference_geo",
  "mcp_servers",
  "service_tier",
  "thinking",
  "tool_choice",
]);

const roles: Readonly<Record<string, TextRole>> = { system: "system", assistant: "assistant" };

/** A text, one content block or several, of a request or of an answer. */
export function addContent(texts: TextGatherer, content: unknown, path: JsonPath, role: TextRole): void {
  if (!Array.isArray(content)) return addBlock(texts, content, path, role);
  for (const [block, at] of elements(content, path)) addBlock(texts, block, at, role);
}

/*
 * Blocks of tools hold what was passed in and what came out. A kind of block that is not known yet is read whole, but for what names it
 * and what is encrypted or binary: a text document is the one whose `data` is text.
 */
export function addBlock(texts: TextGatherer, block: unknown, path: JsonPath, role: TextRole): void {
  if (!isJsonObject(block)) return texts.add(block, path, role);
  const ofTool = String(block["type"]).endsWith("_result");
  for (const [key, value] of Object.entries(block)) {
    if (notText.has(key)) continue;
    if (key === "data" && block["type"] !== "text") continue;
    const at = [...path, key];
    if (key === "input") texts.addAll(value, at, "tool-input");
    else if (key === "content" || key === "source") addContent(texts, value, at, ofTool ? "tool-output" : role);
    else texts.addAll(value, at, role, (name) => !notText.has(String(name)));
  }
}

const notText = new Set([
  "type",
  "id",
  "name",
  "tool_use_id",
  "media_type",
  "file_id",
  "url",
  "signature",
  "cache_control",
  "encrypted_content",
  "encrypted_index",
]);
