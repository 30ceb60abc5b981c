import { isJsonObject } from "../../core/json-texts.ts";

/**
 * The ids by which a request that goes on from an answer can be told: of its first call of a tool, and of what its provider keeps for it.
 * `value` is a whole answer or an event of a stream, in either dialect.
 */
export function readAnswerIds(value: unknown): readonly AnswerId[] {
  if (!isJsonObject(value)) return none;
  const { choices, content, content_block: block, message } = value;
  if (Array.isArray(choices)) return readChoice(choices[0]);
  if (Array.isArray(content)) return [...idsOf((content as readonly unknown[]).find(isUse)), ...readContainer(value)];
  if (block !== undefined) return isUse(block) ? idsOf(block) : none;
  // `message_start` and `message_delta`.
  return readContainer(message ?? value["delta"]);
}

export interface AnswerId {
  readonly id: string;
  /** Of what the provider keeps, for more than one question; else of a call. */
  readonly isKept: boolean;
}

const none: readonly AnswerId[] = [];

function readChoice(choice: unknown): readonly AnswerId[] {
  const said = isJsonObject(choice) ? (choice["message"] ?? choice["delta"]) : undefined;
  const calls = isJsonObject(said) ? said["tool_calls"] : undefined;
  return Array.isArray(calls) ? idsOf(calls[0]) : none;
}

const isUse = (block: unknown): boolean =>
  isJsonObject(block) && typeof block["type"] === "string" && block["type"].endsWith("tool_use");

const readContainer = (value: unknown): readonly AnswerId[] =>
  isJsonObject(value) ? idsOf(value["container"], true) : none;

function idsOf(value: unknown, isKept = false): readonly AnswerId[] {
  const id = isJsonObject(value) ? value["id"] : undefined;
  return typeof id === "string" && id !== "" ? [{ id, isKept }] : none;
}
