import { errors, type KoaContextWithOIDC, type Provider } from "oidc-provider";
import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import type { TokenSigner } from "../access-token.ts";
import type { Audiences } from "../audiences.ts";
import { tokenExchangeGrant } from "../clients.ts";
import { delegatedClaims } from "../delegation.ts";
import type { Verdict } from "../token-verifier.ts";

const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const PARAMETERS = [
  "subject_token",
  "subject_token_type",
  "requested_token_type",
  "actor_token",
  "actor_token_type",
  "resource",
  "audience",
  "scope",
];

/**
 * RFC 8693: an agent that authenticates as itself and shows a user's access token gets a token in which it acts for that user, with no
 * scope and no minute the user's token did not have. Only for clients with this grant.
 */
export function addTokenExchange(
  provider: Provider,
  options: {
    issuer: string;
    audiences: Audiences;
    verify: (token: string) => Promise<Verdict>;
    allowedScopes: (clientId: string) => Promise<readonly string[]>;
    sign: TokenSigner;
    accessTokenTtlMs: number;
    clock: Clock;
  },
): void {
  const { issuer, audiences, verify, allowedScopes, sign, accessTokenTtlMs, clock } = options;
  const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

  provider.registerGrantType(
    tokenExchangeGrant,
    async (context: KoaContextWithOIDC) => {
      const { params = {}, client } = context.oidc;
      const subjectToken = text(params["subject_token"]);
      if (client === undefined || subjectToken === undefined)
        throw new errors.InvalidRequest("subject_token is missing");
      if (
        params["subject_token_type"] !== ACCESS_TOKEN &&
        params["subject_token_type"] !== "urn:ietf:params:oauth:token-type:jwt"
      ) {
        throw new errors.InvalidRequest(`subject_token_type must be ${ACCESS_TOKEN}`);
      }
      if (params["requested_token_type"] !== undefined && params["requested_token_type"] !== ACCESS_TOKEN)
        throw new errors.InvalidRequest("only access tokens are issued");
      if (params["actor_token"] !== undefined)
        throw new errors.InvalidRequest("the actor is the authenticated client; send no actor_token");

      const verdict = await verify(subjectToken);
      if (!verdict.ok) throw new errors.InvalidGrant("the subject token is not valid");
      const { principal } = verdict;
      // A token of another issuer was not made for us to hand on.
      if (principal.claims["iss"] !== issuer) throw new errors.InvalidGrant("the subject token was not issued here");

      const wanted = text(params["resource"]) ?? text(params["audience"]);
      const audience = wanted === undefined ? audiences.gateway : audiences.canonical(wanted);
      if (audience === undefined) throw new errors.InvalidTarget();

      const allowed = new Set(await allowedScopes(client.clientId));
      const held = principal.scopes.filter((scope) => allowed.has(scope));
      const asked = text(params["scope"])
        ?.split(" ")
        .filter((scope) => scope !== "");
      const excess = asked?.filter((scope) => !held.includes(scope)) ?? [];
      if (excess.length > 0)
        throw new errors.InvalidScope("the subject token or the client does not have this scope", excess.join(" "));
      const scopes = asked ?? held;

      const now = clock.now();
      const expiry = typeof principal.claims["exp"] === "number" ? principal.claims["exp"] * 1_000 : now;
      const expiresAtMs = Math.min(now + accessTokenTtlMs, expiry);
      if (expiresAtMs <= now) throw new errors.InvalidGrant("the subject token is not valid");
      let token: string;
      try {
        token = await sign(
          delegatedClaims({ issuer, principal, client: client.clientId, audience, scopes }),
          expiresAtMs,
        );
      } catch (error) {
        if (error instanceof GatewayError && error.kind === "denied") throw new errors.InvalidGrant(error.message);
        throw error;
      }
      context.body = {
        access_token: token,
        issued_token_type: ACCESS_TOKEN,
        token_type: "Bearer",
        expires_in: Math.floor((expiresAtMs - now) / 1_000),
        ...(scopes.length === 0 ? {} : { scope: scopes.join(" ") }),
      };
    },
    PARAMETERS,
  );
}
