import { GatewayError } from "../../core/errors.ts";
import type { Clock } from "../../core/clock.ts";
import { isNative } from "../clients.ts";

/** Longest registration request. */
export const REGISTRATION_BYTES = 16 * 1024;
const PER_MINUTE = 30;
const MAX_REDIRECTS = 10;

/* What of RFC 7591 is kept. Addresses that a server would fetch or a page would show (logo_uri, jwks_uri, …) are left out on purpose. */
const KEPT = [
  "client_name",
  "redirect_uris",
  "token_endpoint_auth_method",
  "grant_types",
  "response_types",
  "application_type",
  "jwks",
] as const;
const GRANTS = new Set(["authorization_code", "refresh_token"]);

/** At most 30 registrations a minute and replica: anyone may register, so the store must not fill at the speed of the network. */
export function createRegistrationLimit(clock: Clock) {
  let minute = 0;
  let count = 0;
  return (): void => {
    const now = Math.floor(clock.monotonic() / 60_000);
    if (now !== minute) [minute, count] = [now, 0];
    count += 1;
    if (count > PER_MINUTE)
      throw new GatewayError("rate_limited", "Too many clients register at this moment. Try again in a minute.", {
        headers: { "retry-after": "60" },
      });
  };
}

/** A client that registers itself can act only for a user who consents: no client credentials, no token exchange. Throws GatewayError("invalid_params"). */
export function checkRegistration(body: Buffer): Readonly<Record<string, unknown>> {
  const refuse = (message: string): never => {
    throw new GatewayError("invalid_params", message);
  };
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    refuse("The registration is not JSON.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    refuse("The registration is not a JSON object.");
  const metadata = Object.fromEntries(
    KEPT.filter((name) => Object.hasOwn(value as object, name)).map((name) => [
      name,
      (value as Record<string, unknown>)[name],
    ]),
  );

  const redirects = metadata["redirect_uris"];
  if (
    !Array.isArray(redirects) ||
    redirects.length === 0 ||
    redirects.length > MAX_REDIRECTS ||
    !redirects.every((uri) => typeof uri === "string" && uri.length <= 2_048)
  ) {
    return refuse(`redirect_uris must hold 1 to ${MAX_REDIRECTS} addresses.`);
  }
  for (const uri of redirects as string[]) {
    const url = URL.parse(uri);
    const fetchable = url?.protocol === "http:" && !isNative([uri]);
    if (
      url === null ||
      fetchable ||
      ["javascript:", "data:", "file:", "blob:", "vbscript:", "about:"].includes(url.protocol)
    ) {
      refuse("redirect_uris must be https, http on this machine, or a scheme of the client's own.");
    }
  }
  const grants = metadata["grant_types"] ?? ["authorization_code", "refresh_token"];
  if (
    !Array.isArray(grants) ||
    !grants.every((grant) => GRANTS.has(grant as string)) ||
    !grants.includes("authorization_code")
  ) {
    refuse("grant_types may be authorization_code and refresh_token here. Other clients are set up by the operator.");
  }
  const label = metadata["client_name"];
  if (label !== undefined && (typeof label !== "string" || label.length > 100))
    refuse("client_name is a text of at most 100 characters.");
  return {
    ...metadata,
    grant_types: grants,
    application_type: metadata["application_type"] ?? (isNative(redirects as string[]) ? "native" : "web"),
  };
}
