import { GatewayError, type ErrorKind } from "../core/errors.ts";

/* Codes of undici (https://undici.nodejs.org/#/docs/api/Errors) and of Node that say more than "not reachable". */
const beforeHead: Readonly<Record<string, ErrorKind>> = {
  UND_ERR_CONNECT_TIMEOUT: "upstream_timeout",
  UND_ERR_HEADERS_TIMEOUT: "upstream_timeout",
  ETIMEDOUT: "upstream_timeout",
  UND_ERR_HEADERS_OVERFLOW: "upstream_invalid",
  UND_ERR_RES_EXCEEDED_MAX_SIZE: "upstream_invalid",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "upstream_invalid",
  UND_ERR_INVALID_ARG: "invalid_request",
  UND_ERR_NOT_SUPPORTED: "invalid_request",
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: "internal",
  UND_ERR_DESTROYED: "draining",
  UND_ERR_CLOSED: "draining",
};

const messages: Partial<Record<ErrorKind, string>> = {
  upstream_timeout: "The upstream did not answer in time.",
  upstream_invalid: "The upstream's answer is not valid HTTP.",
  upstream_truncated: "The upstream's answer broke off.",
  upstream_unavailable: "The upstream could not be reached.",
  invalid_request: "This request cannot be sent on: a header or the address has a character that HTTP does not allow.",
  draining: "The gateway is stopping.",
};

const unsent = new WeakSet<GatewayError>();

/** Whether the upstream has seen no byte of the request that failed with this error: it may be sent again, even if not idempotent. */
export function neverSent(error: unknown): boolean {
  return error instanceof GatewayError && unsent.has(error);
}

export function markUnsent(error: GatewayError): GatewayError {
  unsent.add(error);
  return error;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/* A pooled socket that died, or one of the servers behind a balanced address that has just gone: a fresh connection may do. */
const mended = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE", "ECONNREFUSED"]);

/** Whether an unsent request that failed so is worth another connection at once. A connection that timed out is not: the caller has waited. */
export const mayMend = (error: unknown): boolean => mended.has(codeOf(error));

/** What a failure before the response head means to the caller. */
export function fromHeadFailure(error: unknown, sent: boolean): GatewayError {
  const code = codeOf(error);
  const inner = error instanceof GatewayError ? error : error instanceof Error ? error.cause : undefined;
  const kind = Object.hasOwn(beforeHead, code)
    ? (beforeHead[code] ?? "upstream_unavailable")
    : error instanceof Error && error.name === "HTTPParserError"
      ? "upstream_invalid"
      : "upstream_unavailable";
  const mapped = inner instanceof GatewayError ? inner : new GatewayError(kind, messages[kind] ?? "", { cause: error });
  return sent ? mapped : markUnsent(mapped);
}

/** What a failure inside the response body means: whatever it was, the body is not whole. */
export function fromBodyFailure(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError("upstream_truncated", "The upstream's answer broke off.", { cause: error });
}
