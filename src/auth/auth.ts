import type { Router } from "express";
import type { Clock } from "../core/clock.ts";
import type { GatewayError } from "../core/errors.ts";
import type { CanonicalRequest, Route } from "../core/exchange.ts";
import type { Log } from "../core/log.ts";
import type { Principal } from "../core/principal.ts";
import type { Upstream } from "../http/upstream.ts";
import type { Store } from "../state/store.ts";
import type { ApiKeys } from "./api-keys.ts";
import type { Clients } from "./clients.ts";
import type { AuthConfig } from "./config.ts";

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
  /** The issuer of the tokens made here: `publicUrl` without a trailing slash. */
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
  /** A short-lived token for an agent that works for `principal`: `sub` stays the user, `act` names the agent (RFC 8693, section 4.1). */
  mintActorToken(request: MintRequest): Promise<string>;
  /** The operator's passcode when it was made just now, to be shown once; undefined otherwise. */
  readonly passcode: string | undefined;
  /** A new passcode for the operator; the former one stops working. */
  resetPasscode(): Promise<string>;
  /** Adds a signing key; tokens signed with former keys stay valid until they expire. */
  rotateKeys(): Promise<void>;
  close(): Promise<void>;
}

export interface AuthOptions {
  readonly config: AuthConfig;
  /** The tenant of a principal that does not carry one; throwing refuses the caller. */
  readonly tenant?: (principal: Principal) => string;
  readonly publicUrl: URL;
  readonly routes: () => readonly Route[];
  /** Scopes that policies name: the embedded server must be able to issue them. */
  readonly policyScopes?: () => readonly string[];
  readonly store: Store;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly log: Log;
}

export function createAuth(_options: AuthOptions): Promise<Auth> {
  return Promise.reject(new Error("auth is being built"));
}
