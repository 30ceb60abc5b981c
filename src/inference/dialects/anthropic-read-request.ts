import type { IrMessage, IrPart, IrRequest, IrSource, IrTool, IrToolChoice } from "../ir.ts";
import { cannotCarry, fieldsAt, isAsked, isSet, listAt, partsAt, quote, textAt } from "./carry.ts";
import { isFields } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { leftOut } from "./left-out.ts";
import type { Known } from "./left-out.ts";
import { UNSIGNED } from "./unsigned-thoughts.ts";

/* An answer without these would not be the one that was asked for. */
const refused = ["container", "inference_geo", "mcp_servers"] as const;

const block: Known = {
  type: true,
  text: true,
  source: { type: true, media_type: true, data: true, url: true },
  title: true,
  thinking: true,
  signature: true,
  data: true,
  id: true,
  name: true,
  input: true,
  tool_use_id: true,
  is_error: true,
  cache_control: true,
};
const known: Known = {
  max_tokens: true,
  messages: { role: true, content: { ...block, content: block } },
  metadata: { user_id: true },
  model: true,
  output_config: { effort: true, format: { type: true, schema: true } },
  output_format: { type: true, schema: true },
  stop_sequences: true,
  stream: true,
  system: block,
  temperature: true,
  thinking: true,
  tool_choice: true,
  tools: { type: true, name: true, description: true, input_schema: true, strict: true, cache_control: true },
  top_p: true,
};

/** A request to Anthropic's messages, for a provider of another dialect. Throws `invalid_request` for what it cannot take along. */
export function readAnthropicRequest(body: Fields): IrRequest {
  for (const name of refused) if (isAsked(body[name])) throw cannotCarry(name, `\`${name}\``);
  const { metadata, thinking, stop_sequences: stop } = body;
  const output = isSet(body["output_config"]) ? fieldsAt(body["output_config"], "output_config") : {};
  const format = output["format"] ?? body["output_format"];
  const system = partsAt(body["system"], "system").map((part, index) => readPart(part, `system[${index}]`));
  const messages = listAt(body["messages"], "messages").map((message, index) =>
    readMessage(message, `messages[${index}]`),
  );
  // A client puts the two together; elsewhere the answer would begin anew.
  if (messages.at(-1)?.role === "assistant")
    throw cannotCarry("messages", "An answer that goes on from the assistant's last message");
  return {
    messages: system.length === 0 ? messages : [{ role: "system", parts: system }, ...messages],
    tools: listAt(body["tools"], "tools").map((tool, index) => readTool(tool, `tools[${index}]`)),
    ...readToolChoice(body["tool_choice"]),
    ...(isSet(format) ? readFormat(fieldsAt(format, "output_config.format")) : {}),
    maxTokens: body["max_tokens"] ?? undefined,
    ...(isSet(stop) ? { stop: listAt(stop, "stop_sequences") } : {}),
    temperature: body["temperature"] ?? undefined,
    topP: body["top_p"] ?? undefined,
    ...(typeof output["effort"] === "string" ? { effort: output["effort"] } : {}),
    thinking: isFields(thinking) && thinking["type"] !== "disabled" ? thinking : undefined,
    user: isFields(metadata) ? (metadata["user_id"] ?? undefined) : undefined,
    stream: body["stream"] === true,
    dropped: leftOut(body, known),
  };
}

function readMessage(value: unknown, path: string): IrMessage {
  const message = fieldsAt(value, path);
  const { role } = message;
  if (role !== "user" && role !== "assistant" && role !== "system")
    throw cannotCarry(`${path}.role`, `A message of the role ${quote(role)}`);
  const parts = partsAt(message["content"], `${path}.content`);
  return { role, parts: parts.flatMap((part, index) => readPart(part, `${path}.content[${index}]`)) };
}

function readPart(value: unknown, path: string): IrPart {
  const part = fieldsAt(value, path);
  const cache = isSet(part["cache_control"]) ? { cache: part["cache_control"] } : {};
  switch (part["type"]) {
    case "text":
      return { kind: "text", text: textAt(part["text"], `${path}.text`), ...cache };
    case "image":
      return { kind: "image", source: readSource(part["source"], `${path}.source`), ...cache };
    case "document":
      return { ...readDocument(part, path), ...cache };
    case "thinking": {
      const signed = typeof part["signature"] === "string" && part["signature"] !== UNSIGNED;
      const signature = signed ? String(part["signature"]) : "";
      return { kind: "thinking", text: textAt(part["thinking"], `${path}.thinking`), signature };
    }
    case "redacted_thinking":
      return { kind: "redacted", data: textAt(part["data"], `${path}.data`) };
    case "tool_use": {
      const name = textAt(part["name"], `${path}.name`);
      const args = JSON.stringify(part["input"] ?? {});
      return { kind: "call", id: textAt(part["id"], `${path}.id`), name, args, ...cache };
    }
    case "tool_result": {
      const id = textAt(part["tool_use_id"], `${path}.tool_use_id`);
      const parts = partsAt(part["content"], `${path}.content`).map((inner, index) =>
        readPart(inner, `${path}.content[${index}]`),
      );
      return { kind: "result", id, parts, failed: part["is_error"] === true, ...cache };
    }
    default:
      throw cannotCarry(path, `A block of the type ${quote(part["type"])}`);
  }
}

function readSource(value: unknown, path: string): IrSource {
  const source = fieldsAt(value, path);
  if (source["type"] === "url") return { url: textAt(source["url"], `${path}.url`) };
  if (source["type"] !== "base64") throw cannotCarry(path, `A source of the type ${quote(source["type"])}`);
  return {
    mediaType: textAt(source["media_type"], `${path}.media_type`),
    base64: textAt(source["data"], `${path}.data`),
  };
}

function readDocument(part: Fields, path: string): IrPart {
  const source = fieldsAt(part["source"], `${path}.source`);
  if (source["type"] === "text") return { kind: "text", text: textAt(source["data"], `${path}.source.data`) };
  const name = typeof part["title"] === "string" ? { name: part["title"] } : {};
  return { kind: "document", source: readSource(source, `${path}.source`), ...name };
}

function readTool(value: unknown, path: string): IrTool {
  const tool = fieldsAt(value, path);
  if (isSet(tool["type"]) && tool["type"] !== "custom")
    throw cannotCarry(path, `A tool of the type ${quote(tool["type"])}`);
  return {
    name: textAt(tool["name"], `${path}.name`),
    description: tool["description"] ?? undefined,
    schema: tool["input_schema"] ?? undefined,
    ...(tool["strict"] === true ? { strict: true } : {}),
    ...(isSet(tool["cache_control"]) ? { cache: tool["cache_control"] } : {}),
  };
}

function readToolChoice(value: unknown): Pick<IrRequest, "toolChoice" | "parallel"> {
  if (!isSet(value)) return {};
  const choice = fieldsAt(value, "tool_choice");
  const parallel = choice["disable_parallel_tool_use"] === true ? { parallel: false } : {};
  const { type } = choice;
  if (type === "auto" || type === "any" || type === "none") return { toolChoice: { kind: type }, ...parallel };
  if (type !== "tool") throw cannotCarry("tool_choice", `A choice of the type ${quote(type)}`);
  const toolChoice: IrToolChoice = { kind: "tool", name: textAt(choice["name"], "tool_choice.name") };
  return { toolChoice, ...parallel };
}

function readFormat(format: Fields): Pick<IrRequest, "format"> {
  if (format["type"] !== "json_schema")
    throw cannotCarry("output_config.format", `A format of the type ${quote(format["type"])}`);
  return { format: { schema: format["schema"] ?? {} } };
}
