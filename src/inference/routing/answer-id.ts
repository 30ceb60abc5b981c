import { isJsonObject } from "../../core/json-texts.ts";

/**
 * The id by which a request that goes on from an answer can be told: of its first call of a tool, or of what its provider keeps for it.
 * `value` is an answer or an event of a stream, in either dialect; undefined where it has none.
 */
export function readAnswerId(value: unknown): string | undefined {
  if (!isJsonObject(value)) return undefined;
  const { choices, content, content_block: block, message } = value;
  if (Array.isArray(choices)) return readChoice(choices[0]);
  if (Array.isArray(content)) return idOfUse((content as readonly unknown[]).find(isUse)) ?? readContainer(value);
  if (block !== undefined) return idOfUse(block);
  // `message_start` and `message_delta` of a stream.
  return readContainer(isJsonObject(message) ? message : value["delta"]);
}

function readChoice(choice: unknown): string | undefined {
  if (!isJsonObject(choice)) return undefined;
  const said = choice["message"] ?? choice["delta"];
  const calls = isJsonObject(said) ? said["tool_calls"] : undefined;
  const first: unknown = Array.isArray(calls) ? calls[0] : undefined;
  return isJsonObject(first) ? toId(first["id"]) : undefined;
}

const isUse = (block: unknown): boolean =>
  isJsonObject(block) && typeof block["type"] === "string" && block["type"].endsWith("tool_use");

const idOfUse = (block: unknown): string | undefined =>
  isUse(block) && isJsonObject(block) ? toId(block["id"]) : undefined;

function readContainer(value: unknown): string | undefined {
  const container = isJsonObject(value) ? value["container"] : undefined;
  return isJsonObject(container) ? toId(container["id"]) : undefined;
}

const toId = (id: unknown): string | undefined => (typeof id === "string" && id !== "" ? id : undefined);
