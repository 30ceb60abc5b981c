import type { GatewayError } from "../../core/errors.ts";

/** Of an error answer in any dialect. Says whether to retry, and after how long: the official SDKs would otherwise go by the status alone. */
export function toErrorHeaders(error: GatewayError): Record<string, string> {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "x-should-retry": String(error.spec.retry),
    ...error.headers,
  };
  const seconds = Number(headers["retry-after"]);
  if (headers["retry-after-ms"] === undefined && headers["retry-after"] !== undefined && Number.isFinite(seconds)) {
    headers["retry-after-ms"] = String(Math.round(seconds * 1_000));
  }
  return headers;
}
