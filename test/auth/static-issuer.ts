import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from "jose";
import { listen } from "./start-auth.ts";

export interface StaticIssuer {
  readonly url: string;
  readonly key: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly publicJwk: JWK;
  /** How often each path was asked for. */
  readonly hits: Map<string, number>;
  /** Replaces what a path answers; undefined brings the usual answer back. */
  answer(path: string, value: undefined | (() => { status?: number; body: string | Buffer; delayMs?: number })): void;
  /** Adds a key and drops the former one. */
  rotate(kid: string): Promise<CryptoKey>;
  /** A good access token for this gateway, changed by `claims` and `header`; a claim set to undefined is left out. */
  token(
    audience: string | readonly string[],
    claims?: JWTPayload,
    header?: Record<string, unknown>,
    key?: CryptoKey,
  ): Promise<string>;
}

/** An issuer that is independent of ours: a discovery document, a JWKS and tokens signed by jose, on a real port. */
export async function startStaticIssuer(now: () => number = Date.now, alg = "ES256"): Promise<StaticIssuer> {
  const server = await listen();
  const { url } = server;
  const pair = await generateKeyPair(alg, { extractable: true });
  const toJwk = async (publicKey: CryptoKey, kid: string): Promise<JWK> => ({
    ...(await exportJWK(publicKey)),
    kid,
    alg,
    use: "sig",
  });
  let keys: JWK[] = [await toJwk(pair.publicKey, "one")];
  const hits = new Map<string, number>();
  const answers = new Map<string, () => { status?: number; body: string | Buffer; delayMs?: number }>();
  server.handle((request, response) => {
    const path = request.url ?? "";
    hits.set(path, (hits.get(path) ?? 0) + 1);
    const special = answers.get(path)?.();
    const usual =
      path === "/.well-known/openid-configuration"
        ? { issuer: url, jwks_uri: `${url}/jwks` }
        : path === "/jwks"
          ? { keys }
          : undefined;
    const {
      status = 200,
      body = "",
      delayMs = 0,
    } = special ?? (usual === undefined ? { status: 404 } : { body: JSON.stringify(usual) });
    setTimeout(() => response.writeHead(status, { "content-type": "application/json" }).end(body), delayMs);
  });
  return {
    url,
    key: pair.privateKey,
    publicKey: pair.publicKey,
    get publicJwk() {
      return keys[0] ?? {};
    },
    hits,
    answer: (path, value) => void (value === undefined ? answers.delete(path) : answers.set(path, value)),
    async rotate(kid) {
      const next = await generateKeyPair(alg, { extractable: true });
      keys = [await toJwk(next.publicKey, kid)];
      return next.privateKey;
    },
    token(audience, claims = {}, header = {}, key = pair.privateKey) {
      const seconds = Math.floor(now() / 1_000);
      const payload = {
        iss: url,
        sub: "alice",
        aud: audience,
        client_id: "app",
        scope: "gateway",
        jti: crypto.randomUUID(),
        iat: seconds,
        exp: seconds + 300,
        ...claims,
      };
      return new SignJWT(payload as JWTPayload)
        .setProtectedHeader({ alg, kid: "one", typ: "at+jwt", ...header })
        .sign(key);
    },
  };
}
