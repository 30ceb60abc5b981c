import { GatewayError } from "../core/errors.ts";
import type { Principal } from "../core/principal.ts";
import type { AccessTokenClaims } from "./access-token.ts";

const MAX_ACTORS = 5;
const MAX_CARRIED = 4_096;

/* What a new token says for itself; everything else of the principal's claims is carried along for policies to read. */
const OWN_CLAIMS = new Set([
  "iss",
  "sub",
  "aud",
  "exp",
  "nbf",
  "iat",
  "jti",
  "act",
  "may_act",
  "client_id",
  "azp",
  "scope",
  "scp",
  "gid",
  "origin",
  "tenant",
  "groups",
  "cnf",
  "sid",
  "nonce",
]);

/** `act` with the nearest actor outermost (RFC 8693, section 4.1). */
function nestedAct(actors: readonly { readonly issuer: string; readonly subject: string }[]): unknown {
  return actors.reduceRight<unknown>(
    (inner, { issuer, subject }) => ({ sub: subject, iss: issuer, ...(inner === undefined ? {} : { act: inner }) }),
    undefined,
  );
}

/**
 * The claims of a token with which `client` acts for `principal`. The subject stays who it is, also when another issuer vouched for it:
 * `origin` then names that issuer, and only our own tokens are believed in this. Throws GatewayError("denied") when the chain is too long.
 */
export function delegatedClaims(options: {
  issuer: string;
  principal: Principal;
  client: string;
  audience: string;
  scopes: readonly string[];
}): AccessTokenClaims {
  const { issuer, principal, client, audience, scopes } = options;
  const [nearest] = principal.actors;
  const already = nearest?.issuer === issuer && nearest.subject === client;
  const actors = already ? principal.actors : [{ issuer, subject: client }, ...principal.actors];
  if (actors.length > MAX_ACTORS)
    throw new GatewayError("denied", `No more than ${MAX_ACTORS} agents may act for one another.`);
  const carried = Object.fromEntries(Object.entries(principal.claims).filter(([name]) => !OWN_CLAIMS.has(name)));
  const foreign = principal.issuer !== issuer;
  // What was delegated ends with what it came from: the user's grant, or the token or key itself where there is none.
  const ours = principal.credential === "key" || principal.claims["iss"] === issuer;
  const grant = ours ? principal.claims["gid"] : undefined;
  const root = typeof grant === "string" ? grant : ours ? principal.credentialId : undefined;
  return {
    ...(JSON.stringify(carried).length <= MAX_CARRIED ? carried : {}),
    sub: foreign ? principal.id : principal.subject,
    aud: audience,
    client_id: client,
    scope: scopes.join(" "),
    groups: principal.groups,
    ...(principal.tenant === "" ? {} : { tenant: principal.tenant }),
    ...(foreign ? { origin: { iss: principal.issuer, sub: principal.subject } } : {}),
    ...(root === undefined ? {} : { gid: root }),
    act: nestedAct(actors),
  };
}
