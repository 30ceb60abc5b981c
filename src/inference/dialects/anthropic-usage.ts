import type { Usage } from "../../core/operation.ts";
import { isFields, toCount } from "./fields.ts";

/**
 * The counts in an Anthropic `usage` object; undefined when there is none. There, `input_tokens` are those that came from no cache and
 * went into none.
 */
export function readAnthropicUsage(usage: unknown): Usage | undefined {
  if (!isFields(usage)) return undefined;
  const fresh = toCount(usage["input_tokens"]);
  const cached = toCount(usage["cache_read_input_tokens"]);
  const written = toCount(usage["cache_creation_input_tokens"]);
  const output = toCount(usage["output_tokens"]);
  const details = usage["output_tokens_details"];
  const reasoning = isFields(details) ? toCount(details["thinking_tokens"]) : undefined;
  return {
    ...(fresh === undefined ? {} : { inputTokens: fresh + (cached ?? 0) + (written ?? 0) }),
    ...(output === undefined ? {} : { outputTokens: output }),
    ...(cached === undefined ? {} : { cachedInputTokens: cached }),
    ...(written === undefined ? {} : { cacheWriteTokens: written }),
    ...(reasoning === undefined ? {} : { reasoningTokens: reasoning }),
  };
}

/** The same the other way. What is not known is zero, for this dialect has no other way to say it. */
export function writeAnthropicUsage(usage: Usage): Record<string, unknown> {
  const cached = usage.cachedInputTokens ?? 0;
  const written = usage.cacheWriteTokens ?? 0;
  return {
    input_tokens: Math.max(0, (usage.inputTokens ?? 0) - cached - written),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cached,
    output_tokens: usage.outputTokens ?? 0,
    output_tokens_details: usage.reasoningTokens === undefined ? null : { thinking_tokens: usage.reasoningTokens },
    server_tool_use: null,
  };
}
