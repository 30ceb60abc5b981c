import { hash } from "node:crypto";
import { GatewayError } from "../core/errors.ts";
import type { CanonicalRequest } from "../core/exchange.ts";

/** Longest credential that is looked at, in characters. */
const MAX_CREDENTIAL = 16_384;

/* RFC 6750, section 2.3 allows the first; OAuth 2.1 and MCP forbid it, because addresses end up in logs. */
const QUERY_NAMES = new Set(["access_token", "api_key", "apikey", "api-key", "x-api-key", "authorization"]);

const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i;

export interface ShownCredential {
  readonly kind: "token" | "key";
  readonly value: string;
  /** SHA-256 of kind and value: all that may be kept of it, and the key to what is known of it. */
  readonly digest: string;
}

export type Credential =
  | { readonly kind: "none" }
  | ShownCredential
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
    return toCredential("key", apiKey);
  }
  if (authorization === undefined) return { kind: "none" };
  if (authorization.length > MAX_CREDENTIAL) return { kind: "bad", reason: "The credential is too long." };
  const value = BEARER.exec(authorization)?.[1];
  if (value === undefined)
    return { kind: "bad", reason: "Use Authorization: Bearer with an access token or an API key." };
  // A compact JWS has dots and our keys have none, so the OpenAI SDK may send either in the same place.
  return toCredential(value.includes(".") ? "token" : "key", value);
}

/** Whatever of a request could be a credential of the gateway's, beside others that are not: at most one of each header. */
export function* possibleCredentials({ headers }: CanonicalRequest): Generator<ShownCredential> {
  const { authorization = "", "x-api-key": apiKey = "" } = headers;
  const value = authorization.length > MAX_CREDENTIAL ? undefined : BEARER.exec(authorization)?.[1];
  if (value !== undefined) yield toCredential(value.includes(".") ? "token" : "key", value);
  if (apiKey !== "" && apiKey.length <= MAX_CREDENTIAL) yield toCredential("key", apiKey);
}

export const toCredential = (kind: "token" | "key", value: string): ShownCredential => ({
  kind,
  value,
  digest: hash("sha256", `${kind}\n${value}`, "base64url"),
});

/**
 * Reads credentials like `readCredential`, and remembers the last one of each connection: most clients show the same again and again,
 * and the digest of a token costs 2 µs. The connection holds its last request anyway, so nothing is kept longer for it.
 */
export function createCredentialReader(): (request: CanonicalRequest) => Credential {
  const last = new WeakMap<object, { readonly header: string; readonly credential: Credential }>();
  return (request) => {
    const header = request.headers["authorization"];
    if (header === undefined || request.query !== "" || request.headers["x-api-key"] !== undefined)
      return readCredential(request);
    const known = last.get(request.connection);
    if (known?.header === header) return known.credential;
    const credential = readCredential(request);
    if (credential.kind !== "bad") last.set(request.connection, { header, credential });
    return credential;
  };
}
