import type { ErrorKind, GatewayError } from "../../core/errors.ts";
import type { RenderedError } from "../../core/step.ts";
import { toErrorHeaders } from "./error-headers.ts";

/** Where OpenAI has a code of its own, clients look for that; otherwise the code is the gateway's kind. */
const codes: Partial<Record<ErrorKind, string>> = {
  unauthenticated: "invalid_api_key",
  rate_limited: "rate_limit_exceeded",
  method_not_found: "unknown_url",
};

function codeOf(error: GatewayError): string {
  if (error.kind === "not_found" && error.param === "model") return "model_not_found";
  return codes[error.kind] ?? error.kind;
}

/** `{error: {message, type, param, code}}`, the body of every OpenAI error. */
export function toOpenaiError(error: GatewayError): string {
  return JSON.stringify({
    error: { message: error.message, type: error.spec.openai, param: error.param ?? null, code: codeOf(error) },
  });
}

/** The error as an event of a stream: the official SDKs throw at `data.error`. */
export function toOpenaiErrorEvent(error: GatewayError): string {
  return `data: ${toOpenaiError(error)}\n\n`;
}

/** The whole answer. */
export function renderOpenaiError(error: GatewayError): RenderedError {
  return { status: error.httpStatus, headers: toErrorHeaders(error), body: toOpenaiError(error) };
}
