import type { Principal } from "../core/principal.ts";
import { principalId } from "./principal-from.ts";

/** What a client of the embedded server is given to be. */
export interface ClientTraits {
  readonly scopes?: readonly string[] | undefined;
  readonly groups: readonly string[];
  readonly tenant?: string | undefined;
}

/** The principal that a client's own tokens (grant client_credentials) stand for, before the configuration's `tenant` is asked. */
export function clientPrincipal(issuer: string, id: string, { scopes = [], groups, tenant }: ClientTraits): Principal {
  return {
    id: principalId(issuer, id),
    issuer,
    subject: id,
    client: id,
    tenant: tenant ?? "",
    scopes,
    groups,
    claims: Object.freeze({
      iss: issuer,
      sub: id,
      aud: issuer,
      client_id: id,
      groups,
      scope: scopes.join(" "),
      ...(tenant === undefined ? {} : { tenant }),
    }),
    actors: [],
    credential: "token",
    expiresAtMs: undefined,
    credentialId: undefined,
  };
}
