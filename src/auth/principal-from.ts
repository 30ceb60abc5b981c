import { GatewayError } from "../core/errors.ts";
import type { Principal } from "../core/principal.ts";

/** The issuer of principals that an API key stands for. */
export const keyIssuer = "urn:sallyport:key";

/** `issuer#subject`: an issuer has no fragment (RFC 8414, section 2), so the first # ends it and no two pairs share an id. */
export const principalId = (issuer: string, subject: string): string => `${issuer}#${subject}`;

export const anonymousPrincipal: Principal = Object.freeze({
  id: principalId("urn:sallyport:anonymous", "anonymous"),
  issuer: "urn:sallyport:anonymous",
  subject: "anonymous",
  client: "",
  tenant: "",
  scopes: [],
  groups: [],
  claims: Object.freeze({}),
  actors: [],
  credential: "anonymous",
  expiresAtMs: undefined,
  credentialId: undefined,
});

/** `tenant` of the configuration as a function that throws where it finds none; undefined where there is no such expression. */
export type TenantOf = ((principal: Principal) => string) | undefined;

const noTenant =
  "No tenant could be found for this caller: its key, client or account names none, and the gateway's `tenant` expression gives none.";

/** The principal with its tenant. What a key or one of our tokens says of itself stands; anything else is computed, and a failure refuses. */
export function withTenant(principal: Principal, tenant: TenantOf): Principal {
  if (principal.tenant !== "" || tenant === undefined) return principal;
  let value: string;
  try {
    value = tenant(principal);
  } catch (cause) {
    throw new GatewayError("denied", noTenant, { cause });
  }
  if (typeof value !== "string" || value === "") throw new GatewayError("denied", noTenant);
  return { ...principal, tenant: value };
}

/** Throws GatewayError("invalid_params") for a key or client that would be made, and every call with it refused. */
export function checkTenant(bearer: Principal, tenant: TenantOf, what: "key" | "client"): void {
  try {
    withTenant(bearer, tenant);
  } catch (cause) {
    throw new GatewayError(
      "invalid_params",
      `Give the ${what} a tenant (--tenant on the command line, \`tenant\` in the request): the gateway's \`tenant\` expression finds none for it, so every call with it would be refused.`,
      { param: "tenant", cause },
    );
  }
}
