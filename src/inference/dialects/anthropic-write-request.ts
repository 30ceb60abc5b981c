import type { IrMessage, IrPart, IrRequest, IrSource, IrTool } from "../ir.ts";
import { parseExact } from "../parse-exact.ts";
import { isSet } from "./carry.ts";
import type { WriteRequestOptions, WrittenRequest } from "./dialect.ts";
import { isFields, wrong } from "./fields.ts";

/* What the provider takes at most. */
const LONGEST_USER = 256;

/** A request to a provider of messages. Throws `invalid_request` for what it cannot take along. */
export function writeAnthropicRequest(request: IrRequest, { model, server }: WriteRequestOptions): WrittenRequest {
  const { messages, tools, format, effort, user } = request;
  const tooLong = typeof user === "string" && user.length > LONGEST_USER;
  const system = messages.filter(({ role }) => role === "system").flatMap(({ parts }) => parts.flatMap(writePart));
  const outputConfig = {
    ...(effort === undefined || effort === "none" ? {} : { effort: effort === "minimal" ? "low" : effort }),
    ...(format === undefined ? {} : { format: { type: "json_schema", schema: format.schema } }),
  };
  const body = {
    model,
    max_tokens: request.maxTokens ?? server.maxTokens,
    ...(system.length === 0 ? {} : { system }),
    messages: joinTurns(messages.filter(({ role }) => role !== "system")),
    ...(tools.length === 0 ? {} : { tools: tools.map(writeTool), ...writeToolChoice(request) }),
    ...(request.stop === undefined ? {} : { stop_sequences: request.stop }),
    temperature: request.temperature,
    top_p: request.topP,
    thinking: request.thinking,
    ...(Object.keys(outputConfig).length === 0 ? {} : { output_config: outputConfig }),
    ...(user === undefined || tooLong ? {} : { metadata: { user_id: user } }),
    ...(request.stream ? { stream: true } : {}),
  };
  const dropped = new Set(request.dropped);
  if (tooLong) dropped.add("user");
  const parts = messages.flatMap((message) => message.parts);
  if (parts.some((part) => part.kind === "image" && isSet(part.detail) && part.detail !== "auto"))
    dropped.add("messages.content.image_url.detail");
  return { body, dropped };
}

/* All results of one turn's calls must stand in the one message that follows it. */
function joinTurns(messages: readonly IrMessage[]): readonly object[] {
  const turns: { readonly role: string; readonly content: object[] }[] = [];
  for (const { role, parts } of messages) {
    const content = parts.flatMap(writePart);
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else if (content.length > 0) turns.push({ role, content });
  }
  return turns;
}

function writePart(part: IrPart): readonly object[] {
  switch (part.kind) {
    case "text":
      // An empty text block is refused.
      return part.text === "" ? [] : [{ type: "text", text: part.text, cache_control: part.cache }];
    case "image":
      return [{ type: "image", source: writeSource(part.source), cache_control: part.cache }];
    case "document":
      return [{ type: "document", source: writeSource(part.source), title: part.name, cache_control: part.cache }];
    case "thinking":
      // Without its signature the provider would refuse the whole request.
      return part.signature === "" ? [] : [{ type: "thinking", thinking: part.text, signature: part.signature }];
    case "redacted":
      return [{ type: "redacted_thinking", data: part.data }];
    case "call":
      return [
        {
          type: "tool_use",
          id: part.id,
          name: part.name,
          input: readArgs(part.args, part.name),
          cache_control: part.cache,
        },
      ];
    case "result":
      return [
        {
          type: "tool_result",
          tool_use_id: part.id,
          content: part.parts.flatMap(writePart),
          ...(part.failed ? { is_error: true } : {}),
          cache_control: part.cache,
        },
      ];
  }
}

function writeSource(source: IrSource): object {
  return "url" in source
    ? { type: "url", url: source.url }
    : { type: "base64", media_type: source.mediaType, data: source.base64 };
}

function readArgs(args: string, name: string): unknown {
  if (args.trim() === "") return {};
  let value: unknown;
  try {
    value = parseExact(args);
  } catch {
    value = undefined;
  }
  if (isFields(value)) return value;
  throw wrong("messages", `has a call of ${name} whose arguments are not a JSON object`);
}

const writeTool = ({ name, description, schema, strict, cache }: IrTool) => ({
  name,
  description,
  input_schema: writeSchema(schema),
  strict,
  cache_control: cache,
});

/* Others take a tool without a schema, or with one that says nothing; this provider asks for its type. */
function writeSchema(schema: unknown): unknown {
  if (schema === undefined) return { type: "object", properties: {} };
  return isFields(schema) && schema["type"] === undefined ? { type: "object", ...schema } : schema;
}

/* Whether several tools may be called at once is said with the choice, which then has to be there. */
function writeToolChoice({ toolChoice, parallel }: IrRequest): object {
  if (toolChoice === undefined && parallel !== false) return {};
  const choice = toolChoice ?? { kind: "auto" };
  const one = parallel === false && choice.kind !== "none" ? { disable_parallel_tool_use: true } : {};
  if (choice.kind === "tool") return { tool_choice: { type: "tool", name: choice.name, ...one } };
  return { tool_choice: { type: choice.kind, ...one } };
}
