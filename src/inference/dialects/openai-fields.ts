import { GatewayError } from "../../core/errors.ts";

/* Checks of the few fields the gateway reads, by hand: a schema library costs more than the whole relay of a small message. */

type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The request's object. */
export function toFields(body: unknown): Fields {
  if (isFields(body)) return body;
  throw new GatewayError("invalid_request", `The request body must be a JSON object, not ${nameOf(body)}.`);
}

export function readModel(fields: Fields): string {
  const model = fields["model"];
  if (model === undefined) throw wrong("model", "is required: the name of a model from /v1/models");
  if (typeof model !== "string") throw wrong("model", `must be a string, not ${nameOf(model)}`);
  if (model === "") throw wrong("model", "must not be empty");
  if (model.length > 256) throw wrong("model", `must be at most 256 characters, not ${model.length}`);
  return model;
}

/** Null stands for absent, as the official SDKs write it. */
export function readBoolean(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (value === undefined || value === null) return false;
  if (typeof value !== "boolean") throw wrong(name, `must be a boolean, not ${nameOf(value)}`);
  return value;
}

export function readList(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw wrong(name, `must be an array, not ${nameOf(value)}`);
  return value;
}

export function readMessages(fields: Fields): readonly unknown[] {
  if (fields["messages"] === undefined) throw wrong("messages", "is required: an array of messages");
  const messages = readList(fields, "messages");
  if (messages.length === 0) throw wrong("messages", "must have at least one message");
  for (let index = 0; index < messages.length; index++) {
    const message = messages[index];
    if (!isFields(message)) throw wrong(`messages[${index}]`, `must be an object, not ${nameOf(message)}`);
    if (typeof message["role"] !== "string")
      throw wrong(`messages[${index}].role`, `must be a string, not ${nameOf(message["role"])}`);
  }
  return messages;
}

/** The larger of the two when both names are used: a limit in policy must hold for either. */
export function readMaxTokens(fields: Fields): bigint {
  const first = readCount(fields, "max_tokens");
  const second = readCount(fields, "max_completion_tokens");
  return BigInt(first > second ? first : second);
}

function readCount(fields: Fields, name: string): number {
  const value = fields[name];
  if (value === undefined || value === null) return 0;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw wrong(name, "must be a whole number that is not negative");
  return value;
}

/** `stream_options.include_usage`; only streams have it. */
export function readWantsUsage(fields: Fields): boolean {
  const options = fields["stream_options"];
  if (options === undefined || options === null) return false;
  if (!isFields(options)) throw wrong("stream_options", `must be an object, not ${nameOf(options)}`);
  return readBoolean(options, "include_usage");
}

/** Text, or a list of texts, or tokens: what completions call `prompt` and embeddings `input`. */
export function readText(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  if (value === undefined || value === null) throw wrong(name, "is required: a string, or an array");
  if (typeof value === "string") return [asMessage(value)];
  if (!Array.isArray(value)) throw wrong(name, `must be a string or an array, not ${nameOf(value)}`);
  return typeof value[0] === "string" ? value.map(asMessage) : [asMessage(value)];
}

/* Policies and guards look at messages; a prompt is one. */
const asMessage = (content: unknown) => ({ role: "user", content });

function wrong(param: string, message: string): GatewayError {
  return new GatewayError("invalid_request", `\`${param}\` ${message}.`, { param });
}

function nameOf(value: unknown): string {
  if (value === undefined) return "absent";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
