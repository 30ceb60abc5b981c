import type { Principal } from "../core/principal.ts";
import type { AuthConfig } from "./config.ts";
import { keyIssuer, principalId } from "./principal-from.ts";

/** What an API key says of its bearer. */
export interface ApiKeyRequest {
  readonly name: string;
  readonly tenant?: string;
  readonly scopes?: readonly string[];
  readonly groups?: readonly string[];
  /** Milliseconds since the epoch; undefined: never. */
  readonly expiresAtMs?: number;
}

/** The principal an API key stands for, before the configuration's `tenant` is asked. `id` is the key's. */
export function keyPrincipal(id: string, { name, tenant, scopes, groups, expiresAtMs }: ApiKeyRequest): Principal {
  return {
    id: principalId(keyIssuer, id),
    issuer: keyIssuer,
    subject: id,
    client: "",
    tenant: tenant ?? "",
    scopes: scopes ?? [],
    groups: groups ?? [],
    claims: Object.freeze({ name, ...(tenant === undefined ? {} : { tenant }) }),
    actors: [],
    credential: "key",
    expiresAtMs,
    credentialId: id,
  };
}

/** A key of the configuration, which is called what it is filed under. */
export function configuredKey(name: string, { tenant, scopes, groups }: AuthConfig["keys"][string]): ApiKeyRequest {
  return { name, scopes, groups, ...(tenant === undefined ? {} : { tenant }) };
}
