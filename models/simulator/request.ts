/* What the simulator reads of a request body. Anything it does not know is let be, as real servers do. */

/** The caller's fault: status and message of an OpenAI-shaped error. */
export class BadRequest extends Error {
  readonly status: number;
  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}

export interface Message {
  readonly role: string;
  readonly text: string;
}

export interface Tool {
  readonly name: string;
  readonly parameters: unknown;
}

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  /** `required`, `none`, `auto`, or the name of one function. */
  readonly toolChoice: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** Undefined: as many as the answer needs. */
  readonly maxTokens: number | undefined;
  /** A JSON Schema the answer must fit, `true` for any object, undefined for text. */
  readonly json: unknown;
  /** Whether the answer begins with what the model thought. */
  readonly thinks?: boolean;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function readChat(body: unknown): ChatRequest {
  const request = asRecord(body);
  if (!Array.isArray(request["messages"]) || request["messages"].length === 0)
    throw new BadRequest("messages must be an array that is not empty");
  return {
    ...readCommon(request),
    messages: request["messages"].map(readMessage),
    tools: readTools(request["tools"]),
    toolChoice: readToolChoice(request["tool_choice"]),
    json: readFormat(request["response_format"]),
  };
}

/** A legacy completion is a chat of one message. */
export function readCompletion(body: unknown): ChatRequest {
  const request = asRecord(body);
  const prompt = request["prompt"];
  if (typeof prompt !== "string") throw new BadRequest("prompt must be a string");
  return {
    ...readCommon(request),
    messages: [{ role: "user", text: prompt }],
    tools: [],
    toolChoice: "none",
    json: undefined,
  };
}

export function readEmbeddings(body: unknown): {
  model: string;
  inputs: readonly string[];
  dimensions: number;
  base64: boolean;
} {
  const request = asRecord(body);
  const input = request["input"];
  const inputs = typeof input === "string" ? [input] : input;
  if (!Array.isArray(inputs) || inputs.length === 0)
    throw new BadRequest("input must be a string or an array that is not empty");
  const dimensions = request["dimensions"] ?? 64;
  if (typeof dimensions !== "number" || !Number.isInteger(dimensions) || dimensions < 1 || dimensions > 4096)
    throw new BadRequest("dimensions must be 1 to 4096");
  return {
    model: readModel(request),
    inputs: inputs.map((item) => (typeof item === "string" ? item : JSON.stringify(item))),
    dimensions,
    base64: request["encoding_format"] === "base64",
  };
}

function asRecord(body: unknown): Record<string, unknown> {
  if (!isRecord(body)) throw new BadRequest("the body must be a JSON object");
  return body;
}

function readModel(request: Record<string, unknown>): string {
  if (typeof request["model"] !== "string" || request["model"] === "") throw new BadRequest("model must be a string");
  return request["model"];
}

function readCommon(request: Record<string, unknown>) {
  const options = request["stream_options"];
  const maxTokens = request["max_completion_tokens"] ?? request["max_tokens"] ?? undefined;
  if (maxTokens !== undefined && (typeof maxTokens !== "number" || !Number.isInteger(maxTokens) || maxTokens < 1))
    throw new BadRequest("max_tokens must be a positive integer");
  return {
    model: readModel(request),
    stream: request["stream"] === true,
    includeUsage: isRecord(options) && options["include_usage"] === true,
    maxTokens,
  };
}

function readMessage(value: unknown): Message {
  if (!isRecord(value) || typeof value["role"] !== "string") throw new BadRequest("each message needs a role");
  return { role: value["role"], text: readContent(value["content"]) };
}

function readContent(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part: unknown) => (isRecord(part) && typeof part["text"] === "string" ? part["text"] : ""))
    .join("\n");
}

function readTools(value: unknown): Tool[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((tool: unknown) => {
    const described = isRecord(tool) ? tool["function"] : undefined;
    return isRecord(described) && typeof described["name"] === "string"
      ? [{ name: described["name"], parameters: described["parameters"] }]
      : [];
  });
}

function readToolChoice(value: unknown): string {
  if (typeof value === "string") return value;
  const named = isRecord(value) ? value["function"] : undefined;
  return isRecord(named) && typeof named["name"] === "string" ? named["name"] : "auto";
}

function readFormat(value: unknown): unknown {
  if (!isRecord(value)) return undefined;
  if (value["type"] === "json_object") return true;
  const schema = value["json_schema"];
  return value["type"] === "json_schema" ? (isRecord(schema) ? (schema["schema"] ?? true) : true) : undefined;
}
