import { elements, isJsonObject, TextGatherer } from "../core/json-texts.ts";
import type { JsonPath } from "../core/json-edit.ts";
import type { AnswerForm, TextRole, TextSlot } from "../core/text.ts";
import type { JsonObject } from "./message.ts";

/** What a caller says in a request: the arguments of tools and prompts, what it completes and beside what, and its replies to what a server asked. */
export function requestTexts({
  method,
  params,
}: {
  readonly method: string;
  readonly params: JsonObject;
}): readonly TextSlot[] {
  const texts = new TextGatherer();
  const role: TextRole = method === "tools/call" ? "tool-input" : "user";
  texts.addAll(params["arguments"], ["params", "arguments"], role);
  if (isJsonObject(params["argument"])) texts.add(params["argument"]["value"], ["params", "argument", "value"], role);
  if (isJsonObject(params["context"]))
    texts.addAll(params["context"]["arguments"], ["params", "context", "arguments"], role);
  // The stateless era's replies come with the call that is tried again (2026-07-28, multi round-trip requests).
  const { inputResponses } = params;
  if (isJsonObject(inputResponses))
    for (const [name, reply] of Object.entries(inputResponses))
      addReply(texts, reply, ["params", "inputResponses", name]);
  return texts.slots;
}

/** What a client says in reply to a server's request: a sampled message, what a person has filled in. */
export function replyTexts(value: JsonObject): readonly TextSlot[] {
  const texts = new TextGatherer();
  addReply(texts, value["result"], ["result"]);
  addError(texts, value["error"], "user");
  return texts.slots;
}

/** What a server says when it asks the client: sampling messages and their system prompt, the question of an elicitation. */
export function questionTexts(value: JsonObject): readonly TextSlot[] {
  const texts = new TextGatherer();
  const { params } = value;
  if (!isJsonObject(params)) return texts.slots;
  addParams(texts, params, ["params"]);
  return texts.slots;
}

/** How texts lie in what a server answers: the answer itself and the notifications before it, each with whole texts. */
export function createMcpForm(): AnswerForm {
  let events = 0;
  return {
    read({ value }) {
      const texts = new TextGatherer(`${events++} `);
      if (isJsonObject(value)) {
        const { result, error, params } = value;
        if (isJsonObject(result)) addResult(texts, result);
        addError(texts, error, "tool-output");
        if (isJsonObject(params)) addNotification(texts, params);
      }
      return { slots: texts.slots, ended: texts.slots.map(({ channel }) => channel) };
    },
    write() {
      throw new TypeError("No text of an MCP message goes on in the next one.");
    },
  };
}

function addError(texts: TextGatherer, error: unknown, role: TextRole): void {
  if (!isJsonObject(error)) return;
  texts.add(error["message"], ["error", "message"], role);
  texts.addAll(error["data"], ["error", "data"], role);
}

/* A member that nobody knows is read too. */
function addResult(texts: TextGatherer, result: JsonObject): void {
  for (const [name, value] of Object.entries(result)) {
    const path = ["result", name];
    if (name === "content" || name === "contents") addContent(texts, value, path, "tool-output");
    else if (name === "messages") addMessages(texts, value, path);
    else if (!notWords.has(name)) texts.addAll(value, path, "tool-output");
  }
  // The stateless era's questions to the client are results.
  if (!isJsonObject(result["inputRequests"])) return;
  for (const [name, request] of Object.entries(result["inputRequests"]))
    if (isJsonObject(request) && isJsonObject(request["params"]))
      addParams(texts, request["params"], ["result", "inputRequests", name, "params"]);
}

/* What says how the protocol goes on. */
const notWords = new Set(["_meta", "inputRequests", "resultType", "cacheScope", "requestState"]);

/** The params of sampling and elicitation. */
function addParams(texts: TextGatherer, params: JsonObject, path: JsonPath): void {
  texts.add(params["systemPrompt"], [...path, "systemPrompt"], "system");
  addMessages(texts, params["messages"], [...path, "messages"]);
  texts.add(params["message"], [...path, "message"], "tool-output");
  for (const name of ["requestedSchema", "tools"])
    texts.addAll(params[name], [...path, name], "tool-output", (key) => typeof key === "number" || worded.has(key));
}

/* What a form's fields and a tool's parameters say of themselves. */
const worded: ReadonlySet<string> = new Set(["description", "title", "const", "default"]);

function addMessages(texts: TextGatherer, messages: unknown, path: JsonPath): void {
  for (const [message, at] of elements(messages, path))
    if (isJsonObject(message)) addContent(texts, message["content"], [...at, "content"], "tool-output");
}

/** A sampled message, or what a person has filled in. */
function addReply(texts: TextGatherer, reply: unknown, path: JsonPath): void {
  if (!isJsonObject(reply)) return;
  if (typeof reply["role"] === "string") addContent(texts, reply["content"], [...path, "content"], "assistant");
  else texts.addAll(reply["content"], [...path, "content"], "user");
}

/** One content block or several. */
function addContent(texts: TextGatherer, content: unknown, path: JsonPath, role: TextRole): void {
  if (!Array.isArray(content)) return addBlock(texts, content, path, role);
  for (const [block, at] of elements(content, path)) addBlock(texts, block, at, role);
}

/* A kind of block that is not known yet is read whole, but for what names it. Addresses and binary data nobody reads as text. */
function addBlock(texts: TextGatherer, block: unknown, path: JsonPath, role: TextRole): void {
  if (!isJsonObject(block)) return texts.add(block, path, role);
  for (const [key, value] of Object.entries(block)) {
    if (notText.has(key) || (key === "data" && typeof value === "string")) continue;
    const at = [...path, key];
    if (key === "resource") addBlock(texts, value, at, role);
    else if (key === "input") texts.addAll(value, at, "tool-input");
    else if (key === "content") addContent(texts, value, at, "tool-output");
    else texts.addAll(value, at, role);
  }
}

const notText = new Set(["type", "role", "mimeType", "uri", "blob", "annotations", "_meta", "id", "toolUseId"]);

/** Progress and log messages, and whatever else is announced. */
function addNotification(texts: TextGatherer, params: JsonObject): void {
  for (const [name, value] of Object.entries(params))
    if (!notSaid.has(name)) texts.addAll(value, ["params", name], "tool-output");
}

const notSaid = new Set(["_meta", "level", "progressToken", "requestId", "taskId", "uri"]);
