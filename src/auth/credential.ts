import { GatewayError } from "../core/errors.ts";
import type { CanonicalRequest } from "../core/exchange.ts";

/** Longest credential that is looked at, in characters. */
const MAX_CREDENTIAL = 16_384;

/* RFC 6750, section 2.3 allows the first; OAuth 2.1 and MCP forbid it, because addresses end up in logs. */
const QUERY_NAMES = new Set(["access_token", "api_key", "apikey", "api-key", "x-api-key", "authorization"]);

const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i;

export type Credential =
  | { readonly kind: "none" }
  | { readonly kind: "token" | "key"; readonly value: string }
  /** `reason` is safe to show and holds nothing the caller sent. */
  | { readonly kind: "bad"; readonly reason: string };

/**
 * The one credential of a request: `Authorization: Bearer`, or `x-api-key` for an API key.
 * Throws GatewayError("invalid_request") for a credential in the address or for two at once.
 */
export function readCredential(request: CanonicalRequest): Credential {
  if (request.query !== "") {
    for (const name of new URLSearchParams(request.query).keys()) {
      if (QUERY_NAMES.has(name.toLowerCase())) {
        throw new GatewayError(
          "invalid_request",
          "A credential belongs in the Authorization header, not in the address.",
          { param: name.toLowerCase() },
        );
      }
    }
  }
  const { authorization, "x-api-key": apiKey } = request.headers;
  if (authorization !== undefined && apiKey !== undefined) {
    throw new GatewayError("invalid_request", "Send one credential: either Authorization or x-api-key.");
  }
  if (apiKey !== undefined) {
    if (apiKey === "" || apiKey.length > MAX_CREDENTIAL) return { kind: "bad", reason: "The API key is malformed." };
    return { kind: "key", value: apiKey };
  }
  if (authorization === undefined) return { kind: "none" };
  if (authorization.length > MAX_CREDENTIAL) return { kind: "bad", reason: "The credential is too long." };
  const value = BEARER.exec(authorization)?.[1];
  if (value === undefined)
    return { kind: "bad", reason: "Use Authorization: Bearer with an access token or an API key." };
  // A compact JWS has dots and our keys have none, so the OpenAI SDK may send either in the same place.
  return { kind: value.includes(".") ? "token" : "key", value };
}
