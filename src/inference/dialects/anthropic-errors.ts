import type { GatewayError } from "../../core/errors.ts";
import type { RenderedError } from "../../core/step.ts";
import { toErrorHeaders } from "./error-headers.ts";

/** `{type: "error", error: {type, message}, request_id}`, the body of every Anthropic error. */
export function toAnthropicError(type: string, message: string, requestId: string): string {
  return JSON.stringify({ type: "error", error: { type, message }, request_id: requestId });
}

/** The error as an event of a stream. The official SDK throws at the event's name. */
export function toAnthropicErrorEvent(error: GatewayError, requestId: string): string {
  return `event: error\ndata: ${toAnthropicError(error.spec.anthropic, error.message, requestId)}\n\n`;
}

/** The whole answer. */
export function renderAnthropicError(error: GatewayError, requestId: string): RenderedError {
  return {
    status: error.httpStatus,
    headers: { ...toErrorHeaders(error), "request-id": requestId },
    body: toAnthropicError(error.spec.anthropic, error.message, requestId),
  };
}
