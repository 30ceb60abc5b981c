import { SignJWT } from "jose";
import type { Clock } from "../core/clock.ts";
import { randomHex } from "../core/ids.ts";
import type { SigningKeys } from "./signing-keys.ts";

export interface AccessTokenClaims {
  readonly sub: string;
  readonly aud: string;
  readonly client_id: string;
  readonly scope: string;
  readonly [claim: string]: unknown;
}

/** Signs an RFC 9068 access token that lives until `expiresAtMs`. */
export function createTokenSigner(options: { issuer: string; keys: SigningKeys; clock: Clock }) {
  const { issuer, keys, clock } = options;
  return (claims: AccessTokenClaims, expiresAtMs: number): Promise<string> => {
    const { kid, key } = keys.current();
    const iat = Math.floor(clock.now() / 1_000);
    return new SignJWT({ ...claims, iss: issuer, jti: randomHex(16), iat, exp: Math.floor(expiresAtMs / 1_000) })
      .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid })
      .sign(key);
  };
}

export type TokenSigner = ReturnType<typeof createTokenSigner>;
