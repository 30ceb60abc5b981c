import type { Usage } from "../../core/operation.ts";
import { isFields, toCount } from "./fields.ts";

/** The counts in an OpenAI `usage` object; undefined when there is none. A count that is not a whole number is not believed. */
export function readOpenaiUsage(usage: unknown): Usage | undefined {
  if (!isFields(usage)) return undefined;
  const inputTokens = toCount(usage["prompt_tokens"]);
  const outputTokens = toCount(usage["completion_tokens"]);
  const input = usage["prompt_tokens_details"];
  const output = usage["completion_tokens_details"];
  const cachedInputTokens = isFields(input) ? toCount(input["cached_tokens"]) : undefined;
  const cacheWriteTokens = isFields(input) ? toCount(input["cache_write_tokens"]) : undefined;
  const reasoningTokens = isFields(output) ? toCount(output["reasoning_tokens"]) : undefined;
  const counts: { -readonly [Name in keyof Usage]: Usage[Name] } = {};
  if (inputTokens !== undefined) counts.inputTokens = inputTokens;
  if (outputTokens !== undefined) counts.outputTokens = outputTokens;
  if (cachedInputTokens !== undefined) counts.cachedInputTokens = cachedInputTokens;
  if (cacheWriteTokens !== undefined) counts.cacheWriteTokens = cacheWriteTokens;
  if (reasoningTokens !== undefined) counts.reasoningTokens = reasoningTokens;
  return counts;
}

/** The same the other way. What is not known is zero, for this dialect has no other way to say it. */
export function writeOpenaiUsage(usage: Usage): Record<string, unknown> {
  const input = usage.inputTokens ?? 0;
  const output = usage.outputTokens ?? 0;
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: {
      cached_tokens: usage.cachedInputTokens ?? 0,
      ...(usage.cacheWriteTokens === undefined ? {} : { cache_write_tokens: usage.cacheWriteTokens }),
    },
    ...(usage.reasoningTokens === undefined
      ? {}
      : { completion_tokens_details: { reasoning_tokens: usage.reasoningTokens } }),
  };
}
