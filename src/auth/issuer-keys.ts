import {
  createLocalJWKSet,
  errors,
  type CryptoKey,
  type JSONWebKeySet,
  type JWK,
  type JWSHeaderParameters,
} from "jose";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Trust, Upstream } from "../http/upstream.ts";
import type { IssuerConfig } from "./config.ts";

/** Finds the key a token says it was signed with. Undefined: no such key. */
export interface KeySource {
  keyFor(header: JWSHeaderParameters): Promise<CryptoKey | undefined>;
}

const FRESH_MS = 10 * 60_000;
/* How long keys are used when their issuer cannot be reached: an outage of an hour is survived, a key it withdrew lives no longer. */
const STALE_MS = 60 * 60_000;
/* Not more than one fetch a minute and issuer, whatever key ids callers make up. */
const REFETCH_MS = 60_000;
const RETRY_MS = 5_000;
const TIMEOUT_MS = 5_000;
const DOCUMENT_BYTES = 512 * 1024;
const MAX_KEYS = 100;

/** Looks a key up in a set; a set with two keys for one header is ambiguous and gives none. */
export function createKeyLookup(set: JSONWebKeySet) {
  const lookup = createLocalJWKSet(set);
  return async (header: JWSHeaderParameters): Promise<CryptoKey | undefined> => {
    try {
      return await lookup(header);
    } catch (error) {
      if (
        error instanceof errors.JOSEError ||
        error instanceof TypeError ||
        (error instanceof Error && error.name === "DataError")
      )
        return undefined;
      throw error;
    }
  };
}

/** Public signature keys only: a secret in a JWKS must never become an HMAC key. */
function usableKeys(document: unknown): JSONWebKeySet {
  const list = (document as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(list)) throw new TypeError("not a JWK set");
  const keys = list
    .slice(0, MAX_KEYS)
    .filter((key: unknown): key is JWK => {
      const { kty, use } = (key ?? {}) as JWK;
      return (kty === "RSA" || kty === "EC" || kty === "OKP") && (use === undefined || use === "sig");
    })
    .map(({ d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...publicPart }) => publicPart as JWK);
  if (keys.length === 0) throw new TypeError("no usable key in the JWK set");
  return { keys };
}

/** RFC 8414, section 3.1 and OpenID Connect Discovery 1.0, section 4.1: where an issuer's metadata may be. */
export function metadataUrls(issuer: string): readonly URL[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, "");
  const candidates = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    ...(path === "" ? [] : [`${origin}${path}/.well-known/openid-configuration`]),
  ];
  return candidates.map((candidate) => new URL(candidate));
}

/** The keys of one configured issuer, by discovery or from its `jwksUrl`; kept fresh, and kept a bounded while when it is down. */
export function createIssuerKeys(options: {
  issuer: IssuerConfig;
  upstream: Upstream;
  clock: Clock;
  log: Log;
}): KeySource {
  const { issuer, upstream, clock, log } = options;
  let lookup: ReturnType<typeof createKeyLookup> | undefined;
  let fetchedAtMs = 0;
  let triedAtMs = Number.NEGATIVE_INFINITY;
  let running: Promise<boolean> | undefined;

  async function readJson(url: URL, trust: Trust): Promise<unknown> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await upstream.request({
      url,
      trust,
      method: "GET",
      headers: { accept: "application/json" },
      signal,
      headersTimeoutMs: TIMEOUT_MS,
      idleTimeoutMs: TIMEOUT_MS,
    });
    if (response.status !== 200) {
      response.discard();
      throw new Error(`${url.href} answered ${response.status}`);
    }
    return JSON.parse((await response.bytes(DOCUMENT_BYTES)).toString("utf8"));
  }

  async function discover(): Promise<{ url: URL; trust: Trust }> {
    if (issuer.jwksUrl !== undefined) return { url: new URL(issuer.jwksUrl), trust: "configured" };
    let last: unknown;
    for (const url of metadataUrls(issuer.url)) {
      try {
        const document = (await readJson(url, "configured")) as { issuer?: unknown; jwks_uri?: unknown } | null;
        // RFC 8414, section 3.3: otherwise one server could speak for another.
        if (document?.issuer !== issuer.url) throw new Error(`${url.href} is the metadata of another issuer`);
        if (typeof document.jwks_uri !== "string") throw new Error(`${url.href} names no jwks_uri`);
        const jwks = new URL(document.jwks_uri);
        return { url: jwks, trust: jwks.origin === new URL(issuer.url).origin ? "configured" : "influenced" };
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }

  async function fetchKeys(): Promise<boolean> {
    triedAtMs = clock.now();
    try {
      const { url, trust } = await discover();
      lookup = createKeyLookup(usableKeys(await readJson(url, trust)));
      fetchedAtMs = clock.now();
      return true;
    } catch (error) {
      log.warn({ issuer: issuer.url, error }, "could not fetch the keys of an issuer");
      return false;
    }
  }

  const refresh = (): Promise<boolean> => (running ??= fetchKeys().finally(() => (running = undefined)));
  const unavailable = (): GatewayError =>
    new GatewayError(
      "upstream_unavailable",
      "The issuer of this token cannot be reached, so the token cannot be checked.",
      { headers: { "retry-after": "5" } },
    );

  return {
    async keyFor(header) {
      if (lookup === undefined || clock.now() - fetchedAtMs > STALE_MS) {
        if (running === undefined && clock.now() - triedAtMs < RETRY_MS) throw unavailable();
        if (!(await refresh()) || lookup === undefined) throw unavailable();
      } else if (clock.now() - fetchedAtMs > FRESH_MS && clock.now() - triedAtMs > REFETCH_MS) {
        void refresh();
      }
      const found = await lookup(header);
      if (found !== undefined || (running === undefined && clock.now() - triedAtMs < REFETCH_MS)) return found;
      await refresh();
      return lookup(header);
    },
  };
}
