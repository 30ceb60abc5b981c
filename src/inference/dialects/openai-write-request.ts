import type { IrMessage, IrPart, IrRequest, IrSource, IrTool } from "../ir.ts";
import { cannotCarry } from "./carry.ts";
import type { WriteRequestOptions, WrittenRequest } from "./dialect.ts";

/* OpenAI refuses a longer one; Claude Code's has twice as many. */
const LONGEST_USER = 64;

/** A request to a provider of chat completions. Throws `invalid_request` for what it cannot take along. */
export function writeOpenaiRequest(request: IrRequest, { model, server }: WriteRequestOptions): WrittenRequest {
  const { tools, toolChoice, parallel, format, maxTokens } = request;
  const dropped = new Set(request.dropped);
  if (request.thinking !== undefined) dropped.add("thinking");
  const { user } = request;
  const tooLong = typeof user === "string" && user.length > LONGEST_USER;
  if (tooLong) dropped.add("metadata.user_id");
  for (const { parts } of request.messages) for (const part of parts) addLeftOut(part, dropped);
  if (tools.some(({ cache }) => cache !== undefined)) dropped.add("cache_control");
  const body = {
    model,
    messages: joinResults(request.messages).flatMap(writeMessage),
    ...(tools.length === 0 ? {} : { tools: tools.map(writeTool) }),
    ...(toolChoice === undefined || tools.length === 0 ? {} : { tool_choice: writeToolChoice(toolChoice) }),
    ...(parallel === undefined || tools.length === 0 ? {} : { parallel_tool_calls: parallel }),
    ...(format === undefined ? {} : { response_format: writeFormat(format) }),
    // OpenAI's own models have refused the older name since they reason; most other servers know only that.
    ...(maxTokens === undefined ? {} : { [server.maxTokensName ?? "max_tokens"]: maxTokens }),
    ...(request.stop === undefined ? {} : { stop: request.stop }),
    temperature: request.temperature,
    top_p: request.topP,
    reasoning_effort: request.effort === "max" ? "xhigh" : request.effort,
    user: tooLong ? undefined : user,
    ...(request.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  };
  return { body, dropped };
}

/** Names what the dialect has no form for in a part of a message. */
function addLeftOut(part: IrPart, dropped: Set<string>): void {
  if (part.kind === "thinking" || part.kind === "redacted") dropped.add("messages.thinking");
  else if ("cache" in part && part.cache !== undefined) dropped.add("cache_control");
  if (part.kind !== "result") return;
  if (part.failed) dropped.add("messages.is_error");
  for (const inner of part.parts) addLeftOut(inner, dropped);
}

/* Results of one turn's calls may come in several messages, and here nothing may stand between them. */
function joinResults(messages: readonly IrMessage[]): readonly IrMessage[] {
  const joined: IrMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    const follows = last?.role === "user" && message.parts.some(({ kind }) => kind === "result");
    if (!follows) joined.push(message);
    else joined[joined.length - 1] = { role: "user", parts: [...last.parts, ...message.parts] };
  }
  return joined;
}

/** One message becomes several where results of tools lie beside other parts: they are messages of their own here. */
function writeMessage({ role, parts }: IrMessage): readonly object[] {
  if (role === "assistant") return [writeAssistant(parts)];
  if (role === "system") return [{ role, content: writeContent(parts) }];
  const results = parts.filter((part) => part.kind === "result");
  const rest = parts.filter((part) => part.kind !== "result");
  // A `tool` message holds text alone; what else a tool gave follows as the user's.
  const shown = results.flatMap((result) => result.parts.filter(({ kind }) => kind !== "text"));
  const said = [...shown, ...rest];
  return [
    ...results.map((result) => ({
      role: "tool",
      tool_call_id: result.id,
      content: writeContent(result.parts.filter(({ kind }) => kind === "text")),
    })),
    ...(said.length === 0 && results.length > 0 ? [] : [{ role: "user", content: writeContent(said) }]),
  ];
}

function writeAssistant(parts: readonly IrPart[]): object {
  const calls = parts.filter((part) => part.kind === "call");
  const content = writeContent(parts.filter(({ kind }) => kind === "text"));
  return {
    role: "assistant",
    content: content === "" && calls.length > 0 ? null : content,
    ...(calls.length === 0
      ? {}
      : {
          tool_calls: calls.map(({ id, name, args }) => ({
            id,
            type: "function",
            function: { name, arguments: args },
          })),
        }),
  };
}

/* One text goes as a string: not every server takes lists. */
function writeContent(parts: readonly IrPart[]): string | readonly object[] {
  const [first] = parts;
  if (first === undefined) return "";
  return parts.length === 1 && first.kind === "text" ? first.text : parts.flatMap(writePart);
}

function writePart(part: IrPart): readonly object[] {
  switch (part.kind) {
    case "text":
      return [{ type: "text", text: part.text }];
    case "image":
      return [{ type: "image_url", image_url: { url: writeUrl(part.source), detail: part.detail } }];
    case "document":
      if ("url" in part.source) throw cannotCarry("messages", "A document at an address");
      return [{ type: "file", file: { filename: part.name ?? "document.pdf", file_data: writeUrl(part.source) } }];
    default:
      return [];
  }
}

const writeUrl = (source: IrSource): string =>
  "url" in source ? source.url : `data:${source.mediaType};base64,${source.base64}`;

const writeTool = ({ name, description, schema, strict }: IrTool) => ({
  type: "function",
  function: { name, description, parameters: schema, strict },
});

function writeToolChoice(choice: NonNullable<IrRequest["toolChoice"]>): unknown {
  if (choice.kind === "tool") return { type: "function", function: { name: choice.name } };
  return choice.kind === "any" ? "required" : choice.kind;
}

/* OpenAI asks for a name, and holds to the schema only when told to. */
const writeFormat = ({ schema, name }: NonNullable<IrRequest["format"]>) => ({
  type: "json_schema",
  json_schema: { name: name ?? "answer", schema, strict: true },
});
