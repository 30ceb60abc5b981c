import { GatewayError } from "../../core/errors.ts";

/* Checks of the few fields the gateway reads, by hand: a schema library costs more than the whole relay of a small message. */

export type Fields = Readonly<Record<string, unknown>>;

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

/** A whole number that is not negative; 0 where there is none. */
export function readCount(fields: Fields, name: string): number {
  const value = fields[name];
  if (value === undefined || value === null) return 0;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw wrong(name, "must be a whole number that is not negative");
  return value;
}

/** The error that names the parameter at fault. */
export function wrong(param: string, message: string): GatewayError {
  return new GatewayError("invalid_request", `\`${param}\` ${message}.`, { param });
}

/** What a value is, in words. */
export function nameOf(value: unknown): string {
  if (value === undefined) return "absent";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** A count as providers give it; undefined for anything that is not a whole number. */
export function toCount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
