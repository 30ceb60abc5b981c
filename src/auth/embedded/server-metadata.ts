import { tokenExchangeGrant } from "../clients.ts";

/** Authorization server metadata (RFC 8414, section 2), the same document for OpenID Connect discovery. */
export function serverMetadata(
  issuer: string,
  options: { scopes: readonly string[]; registration: boolean },
): Readonly<Record<string, unknown>> {
  const at = (path: string): string => `${issuer}/oauth/${path}`;
  const methods = ["client_secret_basic", "client_secret_post", "none", "private_key_jwt"];
  return {
    issuer,
    authorization_endpoint: at("authorize"),
    token_endpoint: at("token"),
    jwks_uri: at("jwks"),
    revocation_endpoint: at("revoke"),
    ...(options.registration ? { registration_endpoint: at("register") } : {}),
    scopes_supported: options.scopes,
    response_types_supported: ["code"],
    response_modes_supported: ["query", "fragment", "form_post"],
    grant_types_supported: ["authorization_code", "refresh_token", "client_credentials", tokenExchangeGrant],
    code_challenge_methods_supported: ["S256"],
    token_endpoint_auth_methods_supported: methods,
    token_endpoint_auth_signing_alg_values_supported: ["RS256", "PS256", "ES256", "EdDSA"],
    revocation_endpoint_auth_methods_supported: methods,
    authorization_response_iss_parameter_supported: true,
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
  };
}
