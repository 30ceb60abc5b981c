import { GatewayError, type ErrorKind } from "../core/errors.ts";
import type { RenderedError } from "../core/step.ts";
import { A2aError, a2aReasons } from "./a2a-error.ts";
import type { Version } from "./operations.ts";

/* Where A2A's own numbers say more than the common table (A2A 1.0, sections 5.4 and 9.5). */
const codes: Partial<Record<ErrorKind, number>> = {
  unsupported_media: a2aReasons.CONTENT_TYPE_NOT_SUPPORTED.code,
  unsupported: a2aReasons.UNSUPPORTED_OPERATION.code,
  upstream_invalid: -32006,
  upstream_unavailable: -32603,
  upstream_truncated: -32603,
  upstream_timeout: -32603,
};

/** The JSON-RPC error body of `error`; 1.0 adds machine-readable detail, 0.3 knows none. `id` is null when the request had none. */
export function errorBody(error: GatewayError, version: Version, id: string | number | null): string {
  const code = error instanceof A2aError ? a2aReasons[error.reason].code : (codes[error.kind] ?? error.spec.rpc);
  const data = version === "1.0" ? { data: errorDetails(error) } : error.data === undefined ? {} : { data: error.data };
  return JSON.stringify({ jsonrpc: "2.0", id, error: { code, message: error.message, ...data } });
}

function errorDetails(error: GatewayError): unknown[] {
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(error.data ?? {}))
    metadata[name] = typeof value === "string" ? value : JSON.stringify(value);
  if (error.spec.retry) metadata.retryable = "true";
  // The reasons A2A defines carry its domain (section 9.5); all others are the gateway's.
  const own = error instanceof A2aError && error.reason !== "METHOD_NOT_FOUND" && error.reason !== "INVALID_PARAMS";
  const info = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    reason: error instanceof A2aError ? error.reason : error.spec.a2a,
    domain: own ? "a2a-protocol.org" : "sallyport",
    metadata,
  };
  if (error.param === undefined) return [info];
  return [
    info,
    {
      "@type": "type.googleapis.com/google.rpc.BadRequest",
      fieldViolations: [{ field: error.param, description: error.message }],
    },
  ];
}

/** A whole error answer. `body` is the parsed request when it is known. */
export function renderA2aError(error: GatewayError, version: Version, body: unknown): RenderedError {
  return {
    status: error instanceof A2aError ? 200 : error.spec.status,
    headers: {
      ...error.headers,
      "content-type": "application/json",
      ...(error.spec.retry ? { "x-should-retry": "true" } : {}),
    },
    body: errorBody(error, version, requestId(body)),
  };
}

function requestId(body: unknown): string | number | null {
  if (typeof body !== "object" || body === null || !("id" in body)) return null;
  return typeof body.id === "string" || typeof body.id === "number" ? body.id : null;
}
