import { compactVerify } from "jose";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Principal } from "../core/principal.ts";
import type { Trust, Upstream } from "../http/upstream.ts";
import { parseCompactJws } from "./compact-jws.ts";
import { signatureAlgorithms } from "./config.ts";
import { callbackAt, type ConsoleSignIn } from "./console-sign-in.ts";
import { metadataUrls } from "./issuer-keys.ts";
import { principalId } from "./principal-from.ts";
import { claimAt, LEEWAY_MS, textList, type TrustedIssuer } from "./token-verifier.ts";

/** What an issuer knows the console by. */
export interface OutsideClient {
  readonly issuer: string;
  readonly id: string;
  /** Absent: a public client. */
  readonly secret?: string | undefined;
  readonly scopes: readonly string[];
}

export interface OutsideSignInOptions {
  readonly client: OutsideClient;
  readonly trusted: TrustedIssuer;
  readonly origin: string | undefined;
  readonly upstream: Upstream;
  readonly clock: Clock;
}

interface Endpoints {
  readonly authorization: string;
  readonly token: string;
}

const TIMEOUT_MS = 10_000;
const DOCUMENT_BYTES = 512 * 1024;
const FRESH_MS = 10 * 60_000;
/* How long a session may stand on one ID token, whose own time is for the sign-in alone. */
const SESSION_MS = 8 * 3_600_000;

const refused = (why: string): GatewayError => new GatewayError("denied", `The sign-in was refused: ${why}.`);
const isSecure = (text: unknown): text is string =>
  typeof text === "string" && /^https?:$/.test(URL.parse(text)?.protocol ?? "");

/** Signs in at an issuer of `auth.issuers` (OpenID Connect Core 1.0, section 3.1). The ID token says who it is, and is the gateway's to keep. */
export function createOutsideSignIn({ client, trusted, origin, upstream, clock }: OutsideSignInOptions): ConsoleSignIn {
  const { issuer, id, secret, scopes } = client;
  const home = new URL(issuer).origin;
  const trustOf = (url: URL): Trust => (url.origin === home ? "configured" : "influenced");
  let known: { readonly endpoints: Endpoints; readonly atMs: number } | undefined;

  async function ask(url: URL, headers: Readonly<Record<string, string>>, form?: URLSearchParams) {
    const response = await upstream.request({
      url,
      trust: trustOf(url),
      method: form === undefined ? "GET" : "POST",
      headers: { accept: "application/json", ...headers },
      ...(form !== undefined && { body: Buffer.from(form.toString()) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headersTimeoutMs: TIMEOUT_MS,
      idleTimeoutMs: TIMEOUT_MS,
    });
    const text = (await response.bytes(DOCUMENT_BYTES)).toString("utf8");
    return { status: response.status, body: JSON.parse(text) as Readonly<Record<string, unknown>> };
  }

  async function discover(): Promise<Endpoints> {
    for (const url of metadataUrls(issuer)) {
      const found = await ask(url, {}).catch(() => undefined);
      // RFC 8414, section 3.3: otherwise one server could speak for another.
      if (found?.status !== 200 || found.body["issuer"] !== issuer) continue;
      const { authorization_endpoint: authorization, token_endpoint: token } = found.body;
      if (isSecure(authorization) && isSecure(token)) return { authorization, token };
    }
    throw new GatewayError("upstream_unavailable", `The sign-in page of ${issuer} could not be found.`);
  }

  async function endpoints(): Promise<Endpoints> {
    if (known === undefined || clock.now() - known.atMs > FRESH_MS)
      known = { endpoints: await discover(), atMs: clock.now() };
    return known.endpoints;
  }

  /** The claims of an ID token of this issuer for this client, its times left aside; undefined for anything else. */
  async function claimsOf(token: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const jws = parseCompactJws(token);
    const alg = jws?.header["alg"];
    const allowed: readonly string[] = trusted.config.algorithms ?? signatureAlgorithms;
    if (jws === undefined || typeof alg !== "string" || !allowed.includes(alg)) return undefined;
    if (Object.hasOwn(jws.header, "crit") || Object.hasOwn(jws.header, "b64")) return undefined;
    const kid = jws.header["kid"];
    const key = await trusted.keys.keyFor({ alg, ...(typeof kid === "string" && { kid }) });
    const isSigned =
      key !== undefined &&
      (await compactVerify(token, key, { algorithms: [alg] }).then(
        () => true,
        () => false,
      ));
    const { iss, aud, azp, sub } = jws.payload;
    const isMine = Array.isArray(aud)
      ? aud.includes(id) && azp === id
      : aud === id && (azp === undefined || azp === id);
    return isSigned && iss === issuer && isMine && typeof sub === "string" && sub !== "" ? jws.payload : undefined;
  }

  return {
    issuer,
    callbackAt: (from) => callbackAt(from, origin),
    async authorizeUrl({ redirectUri, state, nonce, challenge }) {
      const url = new URL((await endpoints()).authorization);
      const query = {
        client_id: id,
        response_type: "code",
        redirect_uri: redirectUri,
        scope: [...new Set(["openid", ...scopes])].join(" "),
        prompt: "login",
        state,
        nonce,
        code_challenge: challenge,
        code_challenge_method: "S256",
      };
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
      return url.href;
    },
    async redeem({ code, redirectUri, nonce, verifier }) {
      const form = new URLSearchParams({
        grant_type: "authorization_code",
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        ...(secret === undefined && { client_id: id }),
      });
      const basic = `${encodeURIComponent(id)}:${encodeURIComponent(secret ?? "")}`;
      const { status, body } = await ask(
        new URL((await endpoints()).token),
        {
          "content-type": "application/x-www-form-urlencoded",
          ...(secret !== undefined && { authorization: `Basic ${Buffer.from(basic).toString("base64")}` }),
        },
        form,
      );
      const token = body["id_token"];
      if (status !== 200 || typeof token !== "string")
        throw refused(`${issuer} answered ${status} without an ID token`);
      const claims = await claimsOf(token);
      if (claims === undefined) throw refused("the ID token is not for this client");
      if (claims["nonce"] !== nonce) throw refused("it was begun elsewhere");
      const { exp, iat } = claims;
      const nowMs = clock.now();
      if (typeof exp !== "number" || exp * 1_000 + LEEWAY_MS <= nowMs) throw refused("the ID token has expired");
      if (typeof iat !== "number" || iat * 1_000 > nowMs + LEEWAY_MS) throw refused("the ID token is not valid yet");
      return { token, expiresAtMs: nowMs + SESSION_MS };
    },
    async identify(token): Promise<Principal | undefined> {
      const claims = await claimsOf(token);
      if (claims === undefined) return undefined;
      const subject = String(claims["sub"]);
      return {
        id: principalId(issuer, subject),
        issuer,
        subject,
        client: id,
        tenant: "",
        scopes: [],
        groups: textList(claimAt(claims, trusted.config.claims.groups)) ?? [],
        claims,
        actors: [],
        credential: "token",
        expiresAtMs: undefined,
        credentialId: undefined,
      };
    },
    /* Its own session there goes on; the next sign-in asks for the password all the same. */
    end: () => Promise.resolve(),
  };
}
