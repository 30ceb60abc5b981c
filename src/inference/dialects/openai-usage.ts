import type { Usage } from "../../core/operation.ts";
import { isFields } from "./openai-fields.ts";

/** The counts in an OpenAI `usage` object; undefined when there is none. A count that is not a whole number is not believed. */
export function readUsage(usage: unknown): Usage | undefined {
  if (!isFields(usage)) return undefined;
  const inputTokens = toCount(usage["prompt_tokens"]);
  const outputTokens = toCount(usage["completion_tokens"]);
  const details = usage["prompt_tokens_details"];
  const cachedInputTokens = isFields(details) ? toCount(details["cached_tokens"]) : undefined;
  const counts: { -readonly [Name in keyof Usage]: Usage[Name] } = {};
  if (inputTokens !== undefined) counts.inputTokens = inputTokens;
  if (outputTokens !== undefined) counts.outputTokens = outputTokens;
  if (cachedInputTokens !== undefined) counts.cachedInputTokens = cachedInputTokens;
  return counts;
}

function toCount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
