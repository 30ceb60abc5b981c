import { readAnthropicAnswer, writeAnthropicAnswer } from "./anthropic-answer.ts";
import { anthropicEndpoints } from "./anthropic-endpoints.ts";
import { renderAnthropicError, toAnthropicError, toAnthropicErrorEvent } from "./anthropic-errors.ts";
import { readAnthropicEvent } from "./anthropic-events.ts";
import { readAnthropicRequest } from "./anthropic-read-request.ts";
import { AnthropicStreamReader } from "./anthropic-stream-reader.ts";
import { createAnthropicStreamScribe } from "./anthropic-stream-scribe.ts";
import { createAnthropicStreamTail } from "./anthropic-stream-tail.ts";
import { readAnthropicUsage } from "./anthropic-usage.ts";
import { writeAnthropicRequest } from "./anthropic-write-request.ts";
import type { Dialect } from "./dialect.ts";
import { isFields } from "./fields.ts";
import { withoutUnsigned } from "./unsigned-thoughts.ts";

function passHeaders(
  caller: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const version = caller["anthropic-version"];
  const headers = version === undefined ? { ...own } : { ...own, "anthropic-version": version };
  const betas = [own["anthropic-beta"], caller["anthropic-beta"]].flatMap((list) => list?.split(",") ?? []);
  const merged = new Set(betas.map((beta) => beta.trim()).filter(Boolean));
  return merged.size === 0 ? headers : { ...headers, "anthropic-beta": [...merged].join(",") };
}

function nameEvent(value: unknown): string | undefined {
  const type = isFields(value) ? value["type"] : undefined;
  return typeof type === "string" ? type : undefined;
}

/** Anthropic's messages and the counting of their tokens. */
export const anthropic: Dialect = {
  name: "anthropic",
  endpoints: anthropicEndpoints,
  paths: { chat: "/messages", count: "/messages/count_tokens" },
  passHeaders,
  withoutForeign: withoutUnsigned,
  renderError: renderAnthropicError,
  writeError: (spec, message, requestId) => toAnthropicError(spec.anthropic, message, requestId),
  toErrorEvent: toAnthropicErrorEvent,
  keepAlive: 'event: ping\ndata: {"type": "ping"}\n\n',
  readEvent: readAnthropicEvent,
  nameEvent,
  readUsage: readAnthropicUsage,
  readRequest: readAnthropicRequest,
  writeRequest: writeAnthropicRequest,
  readAnswer: readAnthropicAnswer,
  writeAnswer: writeAnthropicAnswer,
  createStreamReader: () => new AnthropicStreamReader(),
  createStreamScribe: createAnthropicStreamScribe,
  createStreamTail: createAnthropicStreamTail,
};
