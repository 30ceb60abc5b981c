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
  addRest(texts, body, chatSettings, [], "user");
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
  addRest(texts, body, new Set([...settings, ...names]), [], "user");
  return texts.slots;
}

/** What one message says, of a request or of an answer. */
export function addMessage(texts: TextGatherer, message: JsonFields, path: JsonPath, role: TextRole): void {
  addContent(texts, message["content"], [...path, "content"], role);
  for (const name of spoken) addWords(texts, message[name], [...path, name], role);
  addThoughts(texts, message, path, role);
  addTranscript(texts, message, path, role);
  if (isJsonObject(message["function_call"]))
    texts.addJson(message["function_call"]["arguments"], [...path, "function_call", "arguments"], "tool-input");
  for (const [call, at] of elements(message["tool_calls"], [...path, "tool_calls"])) {
    if (!isJsonObject(call)) continue;
    if (isJsonObject(call["function"]))
      texts.addJson(call["function"]["arguments"], [...at, "function", "arguments"], "tool-input");
    if (isJsonObject(call["custom"])) texts.add(call["custom"]["input"], [...at, "custom", "input"], "tool-input");
  }
  addRest(texts, message, messageMembers, path, role);
}

/** What a piece of a streamed message says deeper than in members that are texts themselves; its calls and thoughts excepted. */
export function addStructures(texts: TextGatherer, delta: JsonFields, path: JsonPath, role: TextRole): void {
  if (typeof delta["content"] === "object") addContent(texts, delta["content"], [...path, "content"], role);
  for (const name of spoken) if (typeof delta[name] === "object") addWords(texts, delta[name], [...path, name], role);
  addTranscript(texts, delta, path, role);
  addRest(texts, delta, messageMembers, path, role);
}

/** What an answer, or an event of one, says beside its choices: where its provider has looked, for one. */
export function addEnvelope(texts: TextGatherer, answer: JsonFields): void {
  addRest(texts, answer, envelopeMembers, [], "assistant");
}

/** What says of which answer an event is. */
export const envelope = [
  "id",
  "object",
  "created",
  "model",
  "system_fingerprint",
  "service_tier",
  "obfuscation",
] as const;

function addTranscript(texts: TextGatherer, { audio }: JsonFields, path: JsonPath, role: TextRole): void {
  if (isJsonObject(audio)) texts.add(audio["transcript"], [...path, "audio", "transcript"], role);
}

/** What a message says besides its content: `reasoning_content` and `reasoning` are what vLLM and others call the thoughts they show. */
export const spoken = ["refusal", "reasoning_content", "reasoning"] as const;

/** The thoughts of a provider of another dialect, which a caller gives back as they came. */
export function addThoughts(texts: TextGatherer, message: JsonFields, path: JsonPath, role: TextRole): void {
  for (const [block, at] of elements(message["thinking_blocks"], [...path, "thinking_blocks"]))
    if (isJsonObject(block)) texts.add(block["thinking"], [...at, "thinking"], role);
}

function addContent(texts: TextGatherer, content: unknown, path: JsonPath, role: TextRole): void {
  if (!Array.isArray(content)) return addPart(texts, content, path, role);
  for (const [part, at] of elements(content, path)) addPart(texts, part, at, role);
}

function addPart(texts: TextGatherer, part: unknown, path: JsonPath, role: TextRole): void {
  if (!isJsonObject(part)) return addWords(texts, part, path, role);
  texts.add(part["text"], [...path, "text"], role);
  texts.add(part["refusal"], [...path, "refusal"], role);
  if (isJsonObject(part["file"])) texts.add(part["file"]["filename"], [...path, "file", "filename"], role);
  addRest(texts, part, partMembers, path, role);
}

/**
 * What else an object says: of whom a request is (`user`, `metadata`), which a provider reads, and whatever servers of this dialect take
 * besides (`documents`, `chat_template_kwargs`), of which nobody has a list.
 */
function addRest(
  texts: TextGatherer,
  fields: JsonFields,
  read: ReadonlySet<string>,
  path: JsonPath,
  role: TextRole,
): void {
  // Asked of every event of a stream: a list of the members would cost more than looking at them.
  for (const name in fields) if (!read.has(name)) addWords(texts, fields[name], [...path, name], role);
}

/* Every string but for those that name a thing, and what is encrypted or binary. */
function addWords(texts: TextGatherer, value: unknown, path: JsonPath, role: TextRole): void {
  texts.addAll(value, path, role, (key) => !marks.has(key));
}

/* Words that a provider chose, and names. */
const settings = [
  "model",
  "audio",
  "encoding_format",
  "modalities",
  "prompt_cache_retention",
  "reasoning_effort",
  "seed",
  "service_tier",
  "stream_options",
  "thinking",
  "tool_choice",
  "verbosity",
] as const;
const chatSettings = new Set([...settings, "messages", "tools", "functions", "response_format", "prediction"]);
const messageMembers = new Set([
  ...spoken,
  "id",
  "type",
  "role",
  "content",
  "thinking_blocks",
  "audio",
  "function_call",
  "tool_calls",
  "tool_call_id",
  "cache_control",
]);
const envelopeMembers = new Set(["choices", "usage", "error", ...envelope]);
const partMembers = new Set([
  "type",
  "text",
  "refusal",
  "image_url",
  "input_audio",
  "video_url",
  "file",
  "cache_control",
]);
const marks: ReadonlySet<string | number> = new Set(["type", "id", "url", "format", "signature", "data"]);
