import { compactVerify, errors, type CryptoKey } from "jose";
import type { Clock } from "../core/clock.ts";
import type { Actor, Principal } from "../core/principal.ts";
import { parseCompactJws } from "./compact-jws.ts";
import { signatureAlgorithms, type IssuerConfig } from "./config.ts";
import type { KeySource } from "./issuer-keys.ts";
import { principalId } from "./principal-from.ts";
import type { Revocations } from "./revocations.ts";

/** Clock skew that is forgiven, both ways. */
export const LEEWAY_MS = 60_000;
const MAX_ACTORS = 5;
const MAX_LIST = 1_000;
const LATEST_SECONDS = 253_402_300_799;

/** What became of a credential. `reason` is safe to show; `detail` names the check for the log. Neither holds a part of the credential. */
export type Verdict =
  | {
      readonly ok: true;
      readonly principal: Principal;
      /** Resources it is meant for; undefined: every route. */ readonly audiences: readonly string[] | undefined;
      readonly expiresAtMs: number;
    }
  | { readonly ok: false; readonly reason: string; readonly detail: string };

export interface TrustedIssuer {
  readonly config: IssuerConfig;
  readonly keys: KeySource;
  /** Our own: its tokens can be revoked, carry their tenant, and may speak for a principal of another issuer. */
  readonly own: boolean;
}

type Claims = Readonly<Record<string, unknown>>;

const refuse = (detail: string, reason = "The access token is invalid."): Verdict => ({ ok: false, reason, detail });
const isText = (value: unknown): value is string =>
  typeof value === "string" && value.length > 0 && value.length <= 256 && !/\p{Cc}/u.test(value);
const isTime = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0 && value <= LATEST_SECONDS;

/** A claim by its own name or, as in `realm_access.roles`, by a path; names may have dots, as in `kubernetes.io.namespace`. */
export function claimAt(claims: unknown, path: string): unknown {
  if (typeof claims !== "object" || claims === null) return undefined;
  if (Object.hasOwn(claims, path)) return (claims as Claims)[path];
  for (let dot = path.indexOf("."); dot >= 0; dot = path.indexOf(".", dot + 1)) {
    const name = path.slice(0, dot);
    const value = Object.hasOwn(claims, name) ? claimAt((claims as Claims)[name], path.slice(dot + 1)) : undefined;
    if (value !== undefined) return value;
  }
  return undefined;
}

/** A list of strings, or one string; undefined when the claim has another form. */
export function textList(value: unknown, separator?: string): readonly string[] | undefined {
  if (value === undefined || value === null) return [];
  const list: unknown[] =
    typeof value === "string"
      ? separator === undefined
        ? [value]
        : value.split(separator).filter((part) => part !== "")
      : Array.isArray(value)
        ? value
        : [undefined];
  return list.length <= MAX_LIST && list.every(isText) ? list : undefined;
}

/** Nearest actor first; undefined for a chain that is malformed or too deep (RFC 8693, section 4.1). */
function actorsOf(claims: Claims, issuer: string): readonly Actor[] | undefined {
  const actors: Actor[] = [];
  for (let act: unknown = claims["act"]; act !== undefined; act = (act as Claims)["act"]) {
    if (typeof act !== "object" || act === null || Array.isArray(act) || actors.length === MAX_ACTORS) return undefined;
    const { sub, iss = issuer } = act as Claims;
    if (!isText(sub) || !isText(iss)) return undefined;
    actors.push({ issuer: iss, subject: sub });
  }
  return actors;
}

/** RFC 9068, section 4: the type of an access token, so that no ID or logout token of the same issuer passes for one. */
function typeFits(typ: unknown, claims: Claims, accepted: IssuerConfig["types"]): boolean {
  const type = typeof typ === "string" ? typ.toLowerCase() : typ;
  if (type === "at+jwt" || type === "application/at+jwt") return true;
  if (accepted !== "any" || (type !== undefined && type !== "jwt")) return false;
  return !["nonce", "at_hash", "c_hash", "events", "htm"].some((name) => Object.hasOwn(claims, name));
}

/** Checks access tokens of the trusted issuers (RFC 9068, RFC 8725). The audience is left to the route. Rejects with GatewayError when keys or revocations cannot be had. */
export function createTokenVerifier(options: {
  issuers: ReadonlyMap<string, TrustedIssuer>;
  revocations: Revocations;
  clock: Clock;
}) {
  const { issuers, revocations, clock } = options;

  return async (token: string): Promise<Verdict> => {
    const jws = parseCompactJws(token);
    if (jws === undefined) return refuse("form");
    const { header, payload: claims } = jws;
    const issuer = typeof claims["iss"] === "string" ? issuers.get(claims["iss"]) : undefined;
    if (issuer === undefined)
      return refuse("issuer", "The access token comes from an issuer that is not trusted here.");
    const { config } = issuer;

    const allowed: readonly string[] = config.algorithms ?? signatureAlgorithms;
    if (typeof header["alg"] !== "string" || !allowed.includes(header["alg"])) return refuse("alg");
    // No extension is understood here, so none may be critical; b64 would change what was signed.
    if (Object.hasOwn(header, "crit") || Object.hasOwn(header, "b64")) return refuse("crit");
    if (header["kid"] !== undefined && !isText(header["kid"])) return refuse("kid");
    if (!typeFits(header["typ"], claims, config.types)) return refuse("typ", "This is not an access token.");

    let key: CryptoKey | undefined;
    try {
      // Only alg and kid choose the key: jku, jwk, x5u and x5c in the header are the caller's and are not read.
      key = await issuer.keys.keyFor({
        alg: header["alg"],
        ...(header["kid"] === undefined ? {} : { kid: header["kid"] }),
      });
      if (key === undefined) return refuse("no key");
      await compactVerify(token, key, { algorithms: [header["alg"]] });
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof TypeError) return refuse("signature");
      throw error;
    }
    return checkClaims(claims, issuer);
  };

  async function checkClaims(claims: Claims, { config, own }: TrustedIssuer): Promise<Verdict> {
    const now = clock.now();
    const { exp, nbf, iat, sub, aud, jti } = claims;
    if (!isTime(exp)) return refuse("exp");
    const expiresAtMs = Math.floor(exp * 1_000) + LEEWAY_MS;
    if (expiresAtMs <= now) return refuse("expired", "The access token has expired.");
    for (const [name, value] of [
      ["nbf", nbf],
      ["iat", iat],
    ] as const) {
      if (value === undefined) continue;
      if (!isTime(value)) return refuse(name);
      if (value * 1_000 > now + LEEWAY_MS) return refuse(name, "The access token is not valid yet.");
    }
    if (!isText(sub)) return refuse("sub");
    if (jti !== undefined && !isText(jti)) return refuse("jti");
    // RFC 7800: a token bound to a key must not be taken as a bearer token.
    if (Object.hasOwn(claims, "cnf")) return refuse("cnf", "Sender-constrained access tokens are not supported.");
    const audiences =
      typeof aud === "string" ? [aud] : Array.isArray(aud) && aud.length <= 100 && aud.every(isText) ? aud : undefined;
    if (audiences === undefined || audiences.length === 0) return refuse("aud", "The access token names no audience.");
    if (config.audience !== undefined && !audiences.includes(config.audience))
      return refuse("aud", "The access token is meant for another resource.");

    const scopes =
      config.claims.scopes === undefined
        ? textList(claims["scope"] ?? claims["scp"], " ")
        : textList(claimAt(claims, config.claims.scopes), " ");
    const groups = textList(claimAt(claims, config.claims.groups));
    const actors = actorsOf(claims, config.url);
    const client = claims["client_id"] ?? claims["azp"] ?? "";
    if (scopes === undefined || groups === undefined || actors === undefined || typeof client !== "string")
      return refuse("claims");
    const tenant = own
      ? claims["tenant"]
      : config.claims.tenant === undefined
        ? undefined
        : claimAt(claims, config.claims.tenant);

    if (own) {
      const ids = [
        `client:${client}`,
        ...(typeof jti === "string" ? [`token:${jti}`] : []),
        ...(isText(claims["gid"]) ? [`grant:${claims["gid"]}`, `token:${claims["gid"]}`] : []),
      ];
      if (await revocations.isRevoked(ids)) return refuse("revoked", "The access token was revoked.");
    }
    const origin = own ? (claims["origin"] as { iss?: unknown; sub?: unknown } | undefined) : undefined;
    const [issuer, subject] = isText(origin?.iss) && isText(origin.sub) ? [origin.iss, origin.sub] : [config.url, sub];
    const principal: Principal = {
      id: principalId(issuer, subject),
      issuer,
      subject,
      client,
      tenant: typeof tenant === "string" ? tenant : "",
      scopes,
      groups,
      claims,
      actors,
      credential: "token",
      expiresAtMs,
      credentialId: jti,
    };
    return { ok: true, principal, audiences: config.audience === undefined ? audiences : undefined, expiresAtMs };
  }
}
