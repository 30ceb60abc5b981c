import { timingSafeEqual } from "node:crypto";
import { errors, Provider, type Adapter, type Configuration } from "oidc-provider";
import type { Log } from "../../core/log.ts";
import type { Accounts } from "../accounts.ts";
import type { Audiences } from "../audiences.ts";
import { hashSecret, type ClientRegistry } from "../clients.ts";
import type { EmbeddedConfig } from "./config.ts";
import type { SigningKeys } from "../signing-keys.ts";
import { ADMIN_RESOURCE, ADMIN_SCOPE, CONSOLE_CLIENT } from "./console-client.ts";
import { loadGrant, promptPolicy } from "./console-grant.ts";
import { html, sendPage } from "./page.ts";

export interface ProviderOptions {
  readonly issuer: string;
  readonly config: EmbeddedConfig;
  readonly keys: SigningKeys;
  readonly adapter: (model: string) => Adapter;
  readonly accounts: Accounts;
  readonly clients: ClientRegistry;
  readonly audiences: Audiences;
  /** Every scope that can be issued; `base` are those given to who asks for none. */
  readonly scopes: { readonly base: readonly string[]; all(): readonly string[] };
  readonly fetch: typeof globalThis.fetch;
  readonly log: Log;
}

const GRANT_TTL_MS = 90 * 86_400_000;
const jwt = { accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } } as const;
const seconds = (ms: number): number => Math.max(1, Math.floor(ms / 1_000));

/** The scopes of the server that this client may have. */
export async function clientScopes(
  options: Pick<ProviderOptions, "clients" | "scopes">,
  clientId: string,
): Promise<readonly string[]> {
  const limit = (await options.clients.find(clientId))?.scopes;
  const all = options.scopes.all();
  return limit === undefined ? all : all.filter((scope) => limit.includes(scope));
}

/** oidc-provider, set up for OAuth 2.1: code with PKCE S256, client credentials, refresh rotation, resource indicators, JWT access tokens. */
export function createProvider(options: ProviderOptions): Provider {
  const { issuer, config, keys, adapter, accounts, clients, audiences, scopes, log } = options;
  const base = new URL(issuer);
  const https = base.protocol === "https:";
  const cookie = { httpOnly: true, sameSite: "lax", secure: https, signed: true } as const;
  const prefix = https ? ["__Host-", "__Secure-"] : ["", ""];

  const settings: Configuration = {
    adapter,
    jwks: { keys: keys.privateJwks },
    cookies: {
      keys: [...keys.cookieKeys],
      names: {
        session: `${prefix[0]}sallyport`,
        interaction: `${prefix[1]}sallyport-interaction`,
        resume: `${prefix[1]}sallyport-resume`,
      },
      long: { ...cookie, path: "/" },
      short: cookie,
    },
    routes: {
      authorization: "/oauth/authorize",
      token: "/oauth/token",
      jwks: "/oauth/jwks",
      registration: "/oauth/register",
      revocation: "/oauth/revoke",
      end_session: "/oauth/logout",
    },
    responseTypes: ["code"],
    scopes: ["openid", "offline_access"],
    claims: { openid: ["sub"] },
    clientAuthMethods: ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"],
    clientDefaults: {
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      id_token_signed_response_alg: "ES256",
      token_endpoint_auth_method: "none",
    },
    pkce: { required: () => true },
    ttl: {
      AccessToken: (_context, { resourceServer }) => resourceServer?.accessTokenTTL ?? seconds(config.accessTokenTtl),
      ClientCredentials: seconds(config.accessTokenTtl),
      AuthorizationCode: 60,
      IdToken: seconds(config.accessTokenTtl),
      RefreshToken: seconds(config.refreshTokenTtl),
      Interaction: 600,
      Session: seconds(config.sessionTtl),
      Grant: seconds(Math.max(GRANT_TTL_MS, config.refreshTokenTtl)),
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      clientCredentials: { enabled: true },
      // Bearer tokens only: a token bound to a DPoP key would be refused by our own resource server.
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      registration: { enabled: config.dynamicRegistration, idFactory: () => `dyn_${crypto.randomUUID()}` },
      revocation: {
        enabled: true,
        allowedPolicy: (_context, client, token) => Promise.resolve(token.clientId === client.clientId),
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_context, _client, oneOf) => Promise.resolve(oneOf?.[0] ?? audiences.gateway),
        useGrantedResource: () => Promise.resolve(true),
        async getResourceServerInfo(context, resource, client) {
          if ((resource === ADMIN_RESOURCE) !== (client.clientId === CONSOLE_CLIENT)) throw new errors.InvalidTarget();
          /* The console asks for the password each time, and who gives it is signed in for as long as a browser may be. */
          if (resource === ADMIN_RESOURCE)
            return { ...jwt, audience: resource, scope: ADMIN_SCOPE, accessTokenTTL: seconds(config.sessionTtl) };
          const audience = audiences.canonical(resource);
          if (audience === undefined) throw new errors.InvalidTarget();
          const allowed = await clientScopes(options, client.clientId);
          const { params, route } = context.oidc;
          if (
            params !== undefined &&
            (route === "authorization" || (route === "token" && params["grant_type"] === "client_credentials"))
          ) {
            params["scope"] = withKnownScope(
              params["scope"],
              route === "authorization" ? scopes.base : allowed,
              allowed,
            );
          }
          return { ...jwt, audience, scope: allowed.join(" "), accessTokenTTL: seconds(config.accessTokenTtl) };
        },
      },
    },
    loadExistingGrant: loadGrant,
    // What a token may still do is decided by its grant: revoking any token of a grant ends the grant.
    revokeGrantPolicy: () => true,
    issueRefreshToken: (_context, client) => Promise.resolve(client.grantTypeAllowed("refresh_token")),
    expiresWithSession: () => Promise.resolve(false),
    rotateRefreshToken: true,
    clientBasedCORS: () => true,
    findAccount: (_context, id) =>
      Promise.resolve(
        accounts.find(id) === undefined ? undefined : { accountId: id, claims: () => Promise.resolve({ sub: id }) },
      ),
    async extraTokenClaims(_context, token) {
      const { clientId } = token;
      const owner =
        token.kind === "AccessToken"
          ? accounts.find(token.accountId)
          : clientId === undefined
            ? undefined
            : await clients.find(clientId);
      return {
        groups: owner?.groups ?? [],
        ...(owner?.tenant === undefined ? {} : { tenant: owner.tenant }),
        ...(token.kind === "AccessToken" ? { gid: token.grantId } : {}),
      };
    },
    interactions: {
      policy: promptPolicy(),
      url: (_context, interaction) => Promise.resolve(`/oauth/interaction/${interaction.uid}`),
    },
    renderError(context, out) {
      context.respond = false;
      const text =
        typeof out.error_description === "string" ? out.error_description : "The request could not be carried out.";
      sendPage(
        context.res,
        context.status,
        "This did not work",
        html`<p>${text}</p>
          <p>Error: <code>${out.error}</code>. Go back to the application and start again.</p>`,
      );
    },
    fetch: options.fetch,
  };

  const provider = new Provider(issuer, settings);
  // Addresses and cookie security come from the configured public URL alone: the Host and X-Forwarded headers are the caller's.
  Object.defineProperties(provider.request, {
    protocol: { get: () => base.protocol.slice(0, -1) },
    host: { get: () => base.host },
  });
  Object.defineProperty(provider.Client.prototype, "compareClientSecret", {
    value(this: { clientSecret?: string }, actual: string): boolean {
      const [known, given] = [Buffer.from(this.clientSecret ?? ""), Buffer.from(hashSecret(actual))];
      return known.length === given.length && timingSafeEqual(known, given);
    },
  });
  provider.on("server_error", (_context, error) => log.error({ error }, "the authorization server failed"));
  return provider;
}

/** The scopes asked for; with no known one among them, the default ones as well (RFC 6749, section 3.3 lets the server choose). */
function withKnownScope(asked: unknown, defaults: readonly string[], allowed: readonly string[]): string | undefined {
  const list = typeof asked === "string" ? asked.split(" ").filter((scope) => scope !== "") : [];
  if (list.some((scope) => allowed.includes(scope))) return list.join(" ");
  return [...list, ...defaults.filter((scope) => allowed.includes(scope))].join(" ") || undefined;
}
