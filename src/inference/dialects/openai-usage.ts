import type { Usage } from "../../core/operation.ts";
import { isFields } from "./openai-fields.ts";

/** The counts in an OpenAI `usage` object; undefined when there is none. A count that is not a whole number is not believed. */
export function readUsage(usage: unknown): Usage | undefined {
  if (!isFields(usage)) return undefined;
  const inputTokens = toCount(usage["prompt_tokens"]);
  const outputTokens = toCount(usage["completion_tokens"]);
  const details = usage["prompt_tokens_details"];
  const cachedInputTokens = isFields(details) ? toCount(details["cached_tokens"]) : undefined;
  return {
    ...(inputTokens === undefined ? {} : { inputTokens }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
    ...(cachedInputTokens === undefined ? {} : { cachedInputTokens }),
  };
}

function toCount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
