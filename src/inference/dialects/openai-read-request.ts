import type { IrMessage, IrPart, IrRequest, IrTool, IrToolChoice } from "../ir.ts";
import { toNumber } from "../parse-exact.ts";
import { cannotCarry, fieldsAt, isAsked, isSet, listAt, partsAt, quote, readDataUrl, textAt } from "./carry.ts";
import { isFields, wrong } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { leftOut } from "./left-out.ts";
import type { Known } from "./left-out.ts";

/* An answer without these would not be the one that was asked for. */
const refused = [
  "audio",
  "function_call",
  "functions",
  "logit_bias",
  "logprobs",
  "moderation",
  "top_logprobs",
  "web_search_options",
] as const;

const part: Known = {
  type: true,
  text: true,
  refusal: true,
  image_url: { url: true, detail: true },
  file: { filename: true, file_data: true },
  cache_control: true,
};
/* What an answer through this gateway has beside them is given back in the next request. */
const message: Known = {
  role: true,
  content: part,
  refusal: true,
  reasoning_content: true,
  thinking_blocks: true,
  tool_calls: { id: true, type: true, index: true, function: { name: true, arguments: true } },
  tool_call_id: true,
};
const known: Known = {
  max_completion_tokens: true,
  max_tokens: true,
  messages: message,
  modalities: true,
  model: true,
  n: true,
  parallel_tool_calls: true,
  reasoning_effort: true,
  response_format: { type: true, json_schema: { name: true, schema: true, strict: true } },
  stop: true,
  stream: true,
  stream_options: true,
  temperature: true,
  thinking: true,
  tool_choice: true,
  tools: {
    type: true,
    function: { name: true, description: true, parameters: true, strict: true },
    cache_control: true,
  },
  top_p: true,
  user: true,
};

/** A request to OpenAI's chat completions, for a provider of another dialect. Throws `invalid_request` for what it cannot take along. */
export function readOpenaiRequest(body: Fields): IrRequest {
  for (const name of refused) if (isAsked(body[name])) throw cannotCarry(name, `\`${name}\``);
  if (isSet(body["n"]) && toNumber(body["n"]) !== 1) throw cannotCarry("n", "`n` beyond 1");
  if (listAt(body["modalities"], "modalities").some((modality) => modality !== "text"))
    throw cannotCarry("modalities", "An answer that is not text");
  const { stop, user } = body;
  return {
    messages: listAt(body["messages"], "messages").map((message, index) => readMessage(message, `messages[${index}]`)),
    tools: listAt(body["tools"], "tools").map((tool, index) => readTool(tool, `tools[${index}]`)),
    ...readToolChoice(body["tool_choice"]),
    ...(typeof body["parallel_tool_calls"] === "boolean" ? { parallel: body["parallel_tool_calls"] } : {}),
    ...readFormat(body["response_format"]),
    maxTokens: body["max_completion_tokens"] ?? body["max_tokens"] ?? undefined,
    ...(isSet(stop) ? { stop: typeof stop === "string" ? [stop] : listAt(stop, "stop") } : {}),
    temperature: body["temperature"] ?? undefined,
    topP: body["top_p"] ?? undefined,
    ...(typeof body["reasoning_effort"] === "string" ? { effort: body["reasoning_effort"] } : {}),
    thinking: body["thinking"] ?? undefined,
    user: user ?? undefined,
    stream: body["stream"] === true,
    dropped: leftOut(body, known),
  };
}

function readMessage(value: unknown, path: string): IrMessage {
  const message = fieldsAt(value, path);
  const parts = partsAt(message["content"], `${path}.content`).map((part, index) =>
    readPart(part, `${path}.content[${index}]`),
  );
  switch (message["role"]) {
    case "system":
    case "developer":
      return { role: "system", parts };
    case "user":
      return { role: "user", parts };
    case "tool":
      return {
        role: "user",
        parts: [{ kind: "result", id: textAt(message["tool_call_id"], `${path}.tool_call_id`), parts, failed: false }],
      };
    case "assistant":
      return { role: "assistant", parts: [...readThinking(message), ...parts, ...readCalls(message, path)] };
    default:
      throw cannotCarry(`${path}.role`, `A message of the role ${quote(message["role"])}`);
  }
}

function readPart(value: unknown, path: string): IrPart {
  const part = fieldsAt(value, path);
  const cache = isSet(part["cache_control"]) ? { cache: part["cache_control"] } : {};
  switch (part["type"]) {
    case "text":
      return { kind: "text", text: textAt(part["text"], `${path}.text`), ...cache };
    case "refusal":
      return { kind: "text", text: textAt(part["refusal"], `${path}.refusal`) };
    case "image_url": {
      const image = fieldsAt(part["image_url"], `${path}.image_url`);
      const url = textAt(image["url"], `${path}.image_url.url`);
      const data = readDataUrl(url);
      if (data === undefined && url.startsWith("data:"))
        throw wrong(`${path}.image_url.url`, "must be an address, or `data:` with base64");
      return { kind: "image", source: data ?? { url }, detail: image["detail"], ...cache };
    }
    case "file": {
      const file = fieldsAt(part["file"], `${path}.file`);
      const data = typeof file["file_data"] === "string" ? readDataUrl(file["file_data"]) : undefined;
      if (data === undefined) throw cannotCarry(`${path}.file`, "A file that is not in the request as base64");
      const name = typeof file["filename"] === "string" ? { name: file["filename"] } : {};
      return { kind: "document", source: data, ...name, ...cache };
    }
    default:
      throw cannotCarry(path, `A part of the type ${quote(part["type"])}`);
  }
}

/* What answers through this gateway have beside `content`, given back: a signature is worth nothing without its text. */
function readThinking(message: Fields): readonly IrPart[] {
  const blocks = message["thinking_blocks"];
  if (!Array.isArray(blocks)) return [];
  return (blocks as readonly unknown[]).flatMap((block): readonly IrPart[] => {
    if (!isFields(block)) return [];
    const { type, thinking, signature, data } = block;
    if (type === "redacted_thinking" && typeof data === "string") return [{ kind: "redacted", data }];
    if (type !== "thinking" || typeof thinking !== "string" || typeof signature !== "string") return [];
    return [{ kind: "thinking", text: thinking, signature }];
  });
}

function readCalls(message: Fields, path: string): readonly IrPart[] {
  if (isSet(message["function_call"])) throw cannotCarry(`${path}.function_call`, "`function_call`");
  if (isSet(message["audio"])) throw cannotCarry(`${path}.audio`, "An answer in audio");
  const refusal = message["refusal"];
  const said: readonly IrPart[] =
    typeof refusal === "string" && refusal !== "" ? [{ kind: "text", text: refusal }] : [];
  const calls = listAt(message["tool_calls"], `${path}.tool_calls`).map((value, index): IrPart => {
    const at = `${path}.tool_calls[${index}]`;
    const call = fieldsAt(value, at);
    if (call["type"] !== undefined && call["type"] !== "function")
      throw cannotCarry(at, `A call of the type ${quote(call["type"])}`);
    const called = fieldsAt(call["function"], `${at}.function`);
    const name = textAt(called["name"], `${at}.function.name`);
    const args = textAt(called["arguments"], `${at}.function.arguments`);
    return { kind: "call", id: textAt(call["id"], `${at}.id`), name, args };
  });
  return [...said, ...calls];
}

function readTool(value: unknown, path: string): IrTool {
  const tool = fieldsAt(value, path);
  if (tool["type"] !== "function") throw cannotCarry(path, `A tool of the type ${quote(tool["type"])}`);
  const described = fieldsAt(tool["function"], `${path}.function`);
  return {
    name: textAt(described["name"], `${path}.function.name`),
    description: described["description"] ?? undefined,
    schema: described["parameters"] ?? undefined,
    ...(described["strict"] === true ? { strict: true } : {}),
    ...(isSet(tool["cache_control"]) ? { cache: tool["cache_control"] } : {}),
  };
}

function readToolChoice(value: unknown): { readonly toolChoice?: IrToolChoice } {
  if (!isSet(value)) return {};
  if (value === "auto" || value === "none") return { toolChoice: { kind: value } };
  if (value === "required") return { toolChoice: { kind: "any" } };
  const choice = fieldsAt(value, "tool_choice");
  if (choice["type"] !== "function") throw cannotCarry("tool_choice", `A choice of the type ${quote(choice["type"])}`);
  const name = textAt(fieldsAt(choice["function"], "tool_choice.function")["name"], "tool_choice.function.name");
  return { toolChoice: { kind: "tool", name } };
}

function readFormat(value: unknown): Pick<IrRequest, "format"> {
  if (!isSet(value)) return {};
  const format = fieldsAt(value, "response_format");
  if (format["type"] === "text") return {};
  if (format["type"] !== "json_schema")
    throw cannotCarry(
      "response_format",
      `A format of the type ${quote(format["type"])}`,
      " Ask for one of the type `json_schema`.",
    );
  const described = fieldsAt(format["json_schema"], "response_format.json_schema");
  return { format: { schema: described["schema"] ?? {}, name: described["name"] } };
}
