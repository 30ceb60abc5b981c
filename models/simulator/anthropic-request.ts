import { BadRequest, isRecord } from "./request.ts";
import type { ChatRequest, Message, Tool } from "./request.ts";
import { sign } from "./text.ts";

/* The real server refuses a field it does not know. */
const known = new Set([
  "max_tokens",
  "messages",
  "metadata",
  "model",
  "output_config",
  "service_tier",
  "stop_sequences",
  "stream",
  "system",
  "temperature",
  "thinking",
  "tool_choice",
  "tools",
  "top_k",
  "top_p",
]);

/** A request to create a message, as strictly read as the real server does where a translation could go wrong. */
export function readAnthropicMessages(body: unknown, version: string): ChatRequest {
  if (!isRecord(body)) throw new BadRequest("the body must be a JSON object");
  for (const name of ["temperature", "top_p", "top_k"])
    if (version > "2023-06-01" && name in body) throw new BadRequest(`${name}: not supported in this API version`);
  for (const name of Object.keys(body))
    if (!known.has(name)) throw new BadRequest(`${name}: Extra inputs are not permitted`);
  const { max_tokens: maxTokens, temperature } = body;
  if (typeof maxTokens !== "number" || !Number.isInteger(maxTokens) || maxTokens < 1)
    throw new BadRequest("max_tokens: Field required");
  if (temperature !== undefined && (typeof temperature !== "number" || temperature < 0 || temperature > 1))
    throw new BadRequest("temperature: range: 0..1");
  return {
    ...readAnthropicPrompt(body),
    toolChoice: readToolChoice(body["tool_choice"]),
    stream: body["stream"] === true,
    includeUsage: true,
    maxTokens,
    json: readFormat(body["output_config"]),
    thinks: isRecord(body["thinking"]) && body["thinking"]["type"] !== "disabled",
  };
}

/** The part of a request that its tokens are counted of. */
export function readAnthropicPrompt(body: unknown): Pick<ChatRequest, "model" | "messages" | "tools"> {
  if (!isRecord(body) || typeof body["model"] !== "string") throw new BadRequest("model: Field required");
  const { messages, system } = body;
  if (!Array.isArray(messages) || messages.length === 0)
    throw new BadRequest("messages: at least one message is required");
  const open = new Set<string>();
  const said = messages.flatMap((message, index) => readMessage(message, `messages.${index}`, open));
  if (open.size > 0)
    throw new BadRequest(`\`tool_use\` ids were found without \`tool_result\` blocks: ${[...open].join(", ")}`);
  return {
    model: body["model"],
    messages: [...readBlocks(system ?? "", "system", "system", open), ...said],
    tools: readTools(body["tools"]),
  };
}

/** `open`: the calls of tools that wait for their results; all of them must come in the very next message. */
function readMessage(value: unknown, path: string, open: Set<string>): readonly Message[] {
  if (!isRecord(value) || (value["role"] !== "user" && value["role"] !== "assistant"))
    throw new BadRequest(`${path}.role: Input should be 'user' or 'assistant'`);
  const waiting = open.size;
  const read = readBlocks(value["content"], value["role"], `${path}.content`, open);
  if (value["role"] === "user" && waiting > 0 && open.size > 0)
    throw new BadRequest(`${path}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after`);
  return read;
}

function readBlocks(content: unknown, role: string, path: string, open: Set<string>): readonly Message[] {
  if (typeof content === "string") return content === "" ? [] : [{ role, text: content }];
  if (!Array.isArray(content)) throw new BadRequest(`${path}: Field required`);
  return content.flatMap((block: unknown, index) => readBlock(block, role, `${path}.${index}`, open));
}

function readBlock(block: unknown, role: string, path: string, open: Set<string>): readonly Message[] {
  const { type, text, id, tool_use_id: resultOf, signature, thinking, input, content } = isRecord(block) ? block : {};
  switch (type) {
    case "text":
      if (typeof text !== "string" || text === "")
        throw new BadRequest(`${path}: text content blocks must be non-empty`);
      return [{ role, text }];
    case "thinking":
      if (typeof thinking !== "string" || signature !== sign(thinking))
        throw new BadRequest(`${path}: Invalid \`signature\` in \`thinking\` block`);
      return [];
    case "redacted_thinking":
    case "image":
    case "document":
      return [];
    case "tool_use":
      if (typeof id !== "string" || !isRecord(input))
        throw new BadRequest(`${path}.input: Input should be a valid dictionary`);
      open.add(id);
      return [];
    case "tool_result": {
      if (typeof resultOf !== "string" || !open.delete(resultOf))
        throw new BadRequest(
          `${path}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${String(resultOf)}`,
        );
      const parts = readBlocks(content ?? "", "tool", `${path}.content`, open);
      return [{ role: "tool", text: parts.map((part) => part.text).join("\n") }];
    }
    default:
      throw new BadRequest(
        `${path}: Input tag '${String(type)}' found using 'type' does not match any of the expected tags`,
      );
  }
}

function readTools(value: unknown): readonly Tool[] {
  if (!Array.isArray(value)) return [];
  return value.map((tool: unknown, index) => {
    if (!isRecord(tool) || typeof tool["name"] !== "string" || !isRecord(tool["input_schema"]))
      throw new BadRequest(`tools.${index}.input_schema: Field required`);
    return { name: tool["name"], parameters: tool["input_schema"] };
  });
}

function readToolChoice(value: unknown): string {
  if (!isRecord(value)) return "auto";
  const { type, name } = value;
  if (type === "tool" && typeof name === "string") return name;
  return type === "any" ? "required" : String(type);
}

function readFormat(config: unknown): unknown {
  const format = isRecord(config) ? config["format"] : undefined;
  return isRecord(format) ? (format["schema"] ?? true) : undefined;
}
