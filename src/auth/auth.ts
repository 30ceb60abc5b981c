import express, { type Router } from "express";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { CanonicalRequest, Route } from "../core/exchange.ts";
import type { Log } from "../core/log.ts";
import type { Principal } from "../core/principal.ts";
import type { Upstream } from "../http/upstream.ts";
import type { Store } from "../state/store.ts";
import { createTokenSigner } from "./access-token.ts";
import { createApiKeys, type ApiKeys } from "./api-keys.ts";
import { createAudiences } from "./audiences.ts";
import { createChallenges } from "./challenge.ts";
import { noClients, type Clients } from "./clients.ts";
import { parseCompactJws } from "./compact-jws.ts";
import { issuerConfig, type AuthConfig } from "./config.ts";
import { openCors } from "./cors.ts";
import { createCredentialReader, possibleCredentials, type ShownCredential } from "./credential.ts";
import { delegatedClaims } from "./delegation.ts";
import type { ConsoleSignIn } from "./console-sign-in.ts";
import { addEmbedded } from "./embedded/embedded.ts";
import { createFailureLog } from "./failure-log.ts";
import { createIssuerKeys } from "./issuer-keys.ts";
import { createOutsideSignIn, type OutsideClient } from "./outside-sign-in.ts";
import { addResourceMetadata } from "./metadata.ts";
import { anonymousPrincipal, withTenant } from "./principal-from.ts";
import { createRemembered } from "./remembered.ts";
import { createRevocations } from "./revocations.ts";
import { loadSigningKeys } from "./signing-keys.ts";
import { compileTenant } from "./tenant.ts";
import { createTokenVerifier, type TrustedIssuer, type Verdict } from "./token-verifier.ts";

export interface MintRequest {
  /** For whom the agent acts. */
  readonly principal: Principal;
  /** The client id of the agent that gets the token. */
  readonly client: string;
  /** One of the routes' audiences: the only place the token works. */
  readonly audience: string;
  readonly scopes: readonly string[];
  /** At most the principal's own remaining time. */
  readonly ttlMs: number;
}

export interface Auth {
  /** The issuer of the tokens made here: the origin of `publicUrl`. */
  readonly issuer: string;
  /** The gateway as a whole, as a resource (RFC 8707). */
  readonly audience: string;
  /** Throws GatewayError("unauthenticated") with the challenge of that route. Synchronous when the credential is remembered. */
  authenticate(request: CanonicalRequest, route: Route): Principal | Promise<Principal>;
  /** A 403 insufficient_scope challenge that names every scope the operation needs. */
  stepUp(route: Route, scopes: readonly string[]): GatewayError;
  /** Protected resource metadata, authorization server metadata, and the embedded server under /oauth. */
  readonly router: Router;
  readonly keys: ApiKeys;
  readonly clients: Clients;
  /** How the console signs people in; undefined without the embedded server and without a client of another. */
  readonly console: ConsoleSignIn | undefined;
  /** A short-lived token for an agent that works for `principal`: `sub` stays the user, `act` names the agent (RFC 8693, section 4.1). */
  mintActorToken(request: MintRequest): Promise<string>;
  /** A new passcode for the operator, to be shown at the start, until one was used; undefined when no passcode is wanted. */
  unusedPasscode(): Promise<string | undefined>;
  /** A new passcode for the operator; the former one stops working. */
  resetPasscode(): Promise<string>;
  /** Adds a signing key; tokens signed with former keys stay valid until they expire. */
  rotateKeys(): Promise<void>;
  close(): Promise<void>;
}

export interface AuthOptions {
  readonly config: AuthConfig;
  /** The tenant of a principal that does not carry one: CEL over `principal`. Where it fails, the caller is refused. */
  readonly tenant?: string;
  readonly publicUrl: URL;
  /** Where the console is reached from other machines, such as `https://console.example.com`. */
  readonly consoleOrigin?: string | undefined;
  /** The console's client at one of the issuers, in place of the embedded server. */
  readonly consoleClient?: OutsideClient | undefined;
  readonly routes: () => readonly Route[];
  /** Scopes that policies name: the embedded server must be able to issue them. */
  readonly policyScopes?: () => readonly string[];
  readonly store: Store;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly log: Log;
}

/** When a credential ends. The principal of a token may go on for the leeway of clocks, which is not to be handed on. */
function endOf({ claims, expiresAtMs = Number.POSITIVE_INFINITY }: Principal): number {
  return typeof claims["exp"] === "number" ? Math.min(claims["exp"] * 1_000, expiresAtMs) : expiresAtMs;
}

/** What was opened before something failed to open would hear of changes for ever. */
async function closeAfter(error: unknown, ...opened: readonly { close(): Promise<void> }[]): Promise<never> {
  for (const each of opened) await each.close();
  throw error;
}

/** Of the console, where it is a client of one of the issuers: that there is such an issuer was checked when the configuration was loaded. */
function outsideSignIn(
  { consoleClient: client, consoleOrigin: origin, upstream, clock }: AuthOptions,
  issuers: ReadonlyMap<string, TrustedIssuer>,
): ConsoleSignIn | undefined {
  const trusted = client && issuers.get(client.issuer);
  return trusted && createOutsideSignIn({ client, trusted, origin, upstream, clock });
}

const MAX_DELEGATED_MS = 86_400_000;

/** Opens authentication: keys are read from the store or made; issuers are asked for theirs when the first token comes. */
export async function createAuth(options: AuthOptions): Promise<Auth> {
  const { config, publicUrl, routes, store, upstream, clock, log } = options;
  const issuer = publicUrl.origin;
  const tenant = options.tenant === undefined ? undefined : compileTenant(options.tenant);
  const audiences = createAudiences(config.audience ?? issuer, routes);
  const baseScopes = config.scopes ?? (config.embedded === undefined ? [] : ["gateway"]);

  const readCredential = createCredentialReader();
  const remembered = createRemembered(clock);
  const revocations = await createRevocations(
    store,
    (id) => remembered.forget(id),
    () => remembered.forgetAll(),
  );
  const signingKeys = await loadSigningKeys(store, clock).catch((error: unknown) => closeAfter(error, revocations));
  const trusted = new Map<string, TrustedIssuer>(
    config.issuers.map((one) => [
      one.url,
      { config: one, keys: createIssuerKeys({ issuer: one, upstream, clock, log }), own: false },
    ]),
  );
  trusted.set(issuer, { config: issuerConfig({ url: issuer, algorithms: ["ES256"] }), keys: signingKeys, own: true });
  const verifyToken = createTokenVerifier({ issuers: trusted, revocations, clock });
  const apiKeys = createApiKeys({ config: config.keys, store, revocations, clock, tenant });
  const sign = createTokenSigner({ issuer, keys: signingKeys, clock });
  const challenges = createChallenges(issuer, () => baseScopes);
  const failed = createFailureLog(log, clock);

  const settle = async (check: Promise<Verdict>): Promise<Verdict> => {
    const verdict = await check;
    return verdict.ok ? { ...verdict, principal: withTenant(verdict.principal, tenant) } : verdict;
  };
  const checks = {
    token: (credential: string) => settle(verifyToken(credential)),
    key: (credential: string) => settle(apiKeys.verify(credential)),
  };

  /* The verdict is on the credential; whether it is meant for this route is asked every time. */
  function admit(verdict: Verdict, request: CanonicalRequest, route: Route): Principal {
    const fits =
      verdict.ok &&
      (verdict.audiences === undefined || route.audiences.some((own) => verdict.audiences?.includes(own)));
    if (verdict.ok && fits) return verdict.principal;
    const [reason, detail] = verdict.ok
      ? ["The access token is meant for another resource.", "aud"]
      : [verdict.reason, verdict.detail];
    failed({ route: route.path, ip: request.ip, check: detail }, "authentication failed");
    throw challenges.invalid(route, reason, detail);
  }

  /* Said of what has not been checked: it decides only who looks at it, and what is not looked at here opens nothing here. */
  function isForeign({ kind, value }: ShownCredential): boolean {
    if (kind === "key") return !value.startsWith("sp_");
    const claims = parseCompactJws(value)?.payload;
    if (claims?.["iss"] === issuer) return false;
    const known = typeof claims?.["iss"] === "string" ? trusted.get(claims["iss"]) : undefined;
    if (known === undefined) return true;
    /* One for another path of the gateway is the gateway's too. */
    const meantFor: readonly unknown[] = [claims?.["aud"]].flat();
    return !meantFor.some(
      (each) => typeof each === "string" && (each === known.config.audience || audiences.canonical(each) !== undefined),
    );
  }

  /*
   * A service behind an open route may have credentials of its own, in these headers or elsewhere: what is none of the gateway's is left
   * to it, and its bearer is nobody here. What is the gateway's and no good is refused as anywhere, so that it goes no further.
   */
  async function recognize(request: CanonicalRequest, route: Route): Promise<Principal> {
    for (const shown of possibleCredentials(request)) {
      const foreign = isForeign(shown);
      if (foreign && shown.kind === "token") continue;
      const verdict = await remembered.get(shown, checks[shown.kind]);
      // Keys of the configuration may look like anybody's.
      if (verdict.ok || !foreign) return admit(verdict, request, route);
    }
    return anonymousPrincipal;
  }

  const router = express.Router();
  router.use("/.well-known", openCors("GET"));
  addResourceMetadata(router, {
    audience: audiences.gateway,
    routes,
    authorizationServers: [...(config.embedded === undefined ? [] : [issuer]), ...config.issuers.map(({ url }) => url)],
    scopes: () => baseScopes,
  });
  const embedded =
    config.embedded === undefined
      ? undefined
      : await addEmbedded(router, {
          issuer,
          config: config.embedded,
          baseScopes,
          policyScopes: options.policyScopes ?? (() => []),
          audiences,
          keys: signingKeys,
          revocations,
          sign,
          verify: checks.token,
          verifyAdmin: verifyToken,
          consoleOrigin: options.consoleOrigin,
          failed,
          store,
          upstream,
          clock,
          log,
          tenant,
        }).catch((error: unknown) => closeAfter(error, revocations, signingKeys));

  return {
    issuer,
    audience: audiences.gateway,
    authenticate(request, route) {
      if (route.configured && route.authentication === "optional") {
        const { authorization, "x-api-key": apiKey } = request.headers;
        return authorization === undefined && apiKey === undefined ? anonymousPrincipal : recognize(request, route);
      }
      const credential = readCredential(request);
      switch (credential.kind) {
        case "none":
          // A route of the configuration itself says who may come without one.
          if (route.authentication === "optional" || (config.anonymous && !route.configured)) return anonymousPrincipal;
          throw challenges.missing(route);
        case "bad":
          failed({ route: route.path, ip: request.ip, check: "form" }, "authentication failed");
          throw challenges.invalid(route, credential.reason);
        default: {
          const verdict = remembered.get(credential, checks[credential.kind]);
          return verdict instanceof Promise
            ? verdict.then((late) => admit(late, request, route))
            : admit(verdict, request, route);
        }
      }
    },
    stepUp: challenges.stepUp,
    router,
    keys: apiKeys.keys,
    clients: embedded?.clients ?? noClients,
    console: outsideSignIn(options, trusted) ?? embedded?.signIn,
    unusedPasscode: async () => embedded?.accounts.unusedPasscode(),
    async resetPasscode() {
      if (embedded === undefined)
        throw new GatewayError("unsupported", "A passcode needs the embedded authorization server: set auth.embedded.");
      return embedded.accounts.resetPasscode();
    },
    async mintActorToken({ principal, client, audience, scopes, ttlMs }) {
      const resource = audiences.canonical(audience);
      if (resource === undefined)
        throw new GatewayError("invalid_params", "The audience is not one of this gateway's resources.", {
          param: "audience",
        });
      const expiresAtMs = Math.min(clock.now() + Math.min(ttlMs, MAX_DELEGATED_MS), endOf(principal));
      return sign(delegatedClaims({ issuer, principal, client, audience: resource, scopes }), expiresAtMs);
    },
    rotateKeys: () => signingKeys.rotate(),
    async close() {
      await revocations.close();
      await signingKeys.close();
    },
  };
}
