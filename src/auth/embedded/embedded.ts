import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Request, RequestHandler, Response, Router } from "express";
import type { Provider } from "oidc-provider";
import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Upstream } from "../../http/upstream.ts";
import type { Store } from "../../state/store.ts";
import type { TokenSigner } from "../access-token.ts";
import { createAccounts, type Accounts } from "../accounts.ts";
import type { Audiences } from "../audiences.ts";
import { createClients, type Clients } from "../clients.ts";
import type { EmbeddedConfig } from "./config.ts";
import { openCors } from "../cors.ts";
import type { FailureLog } from "../failure-log.ts";
import type { TenantOf } from "../principal-from.ts";
import type { Revocations } from "../revocations.ts";
import type { SigningKeys } from "../signing-keys.ts";
import { LEEWAY_MS, type Verdict } from "../token-verifier.ts";
import { createAdapterFactory } from "./adapter.ts";
import type { ConsoleSignIn } from "../console-sign-in.ts";
import { CONSOLE_CLIENT, consoleClient, createConsoleSignIn } from "./console-client.ts";
import { addInteraction } from "./interaction.ts";
import { clientScopes, createProvider } from "./provider.ts";
import { checkRegistration, createRegistrationLimit, REGISTRATION_BYTES } from "./registration.ts";
import { readBody, withBody } from "./replay.ts";
import { createRevocation } from "./revocation.ts";
import { serverMetadata } from "./server-metadata.ts";
import { addTokenExchange } from "./token-exchange.ts";

export interface EmbeddedOptions {
  readonly issuer: string;
  readonly config: EmbeddedConfig;
  readonly baseScopes: readonly string[];
  readonly policyScopes: () => readonly string[];
  readonly audiences: Audiences;
  readonly keys: SigningKeys;
  readonly revocations: Revocations;
  readonly sign: TokenSigner;
  readonly verify: (token: string) => Promise<Verdict>;
  /** The same of a token as it stands: nobody who administers need have a tenant. */
  readonly verifyAdmin: (token: string) => Promise<Verdict>;
  /** Where the console is reached from other machines. */
  readonly consoleOrigin: string | undefined;
  readonly failed: FailureLog;
  readonly store: Store;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly log: Log;
  readonly tenant: TenantOf;
}

/** The embedded authorization server: its clients, its accounts, and its routes added to `router`. */
export async function addEmbedded(
  router: Router,
  options: EmbeddedOptions,
): Promise<{ clients: Clients; accounts: Accounts; signIn: ConsoleSignIn }> {
  const {
    issuer,
    config,
    baseScopes,
    policyScopes,
    audiences,
    keys,
    revocations,
    sign,
    verify,
    verifyAdmin,
    consoleOrigin,
    failed,
    store,
    upstream,
    clock,
    log,
    tenant,
  } = options;
  const accessTokenTtlMs = config.accessTokenTtl + 2 * LEEWAY_MS;
  /* The console's code is redeemed in the process that asked for it: no other need know this. */
  const consoleSecret = randomBytes(32).toString("base64url");
  const registry = createClients({
    issuer,
    config,
    own: new Map([[CONSOLE_CLIENT, consoleClient(consoleSecret, consoleOrigin)]]),
    store,
    revocations,
    clock,
    tenant,
  });
  const accounts = createAccounts({ config, store, clock });
  const scopes = { base: baseScopes, all: () => [...new Set([...baseScopes, ...config.scopes, ...policyScopes()])] };

  const revocation = createRevocation(issuer, keys);
  const adapter = createAdapterFactory({
    store,
    clients: registry,
    revocations,
    accessTokenTtlMs,
    presented: revocation.presented,
  });

  function build(): { provider: Provider; handle: (request: IncomingMessage, response: Response) => Promise<void> } {
    const provider = createProvider({
      issuer,
      config,
      keys,
      adapter,
      accounts,
      clients: registry,
      audiences,
      scopes,
      fetch: upstream.fetch("configured"),
      log,
    });
    addTokenExchange(provider, {
      issuer,
      audiences,
      verify,
      allowedScopes: (id) => clientScopes({ clients: registry, scopes }, id),
      sign,
      accessTokenTtlMs: config.accessTokenTtl,
      clock,
    });
    provider.on(
      "grant.success",
      (context) => void registry.touch(context.oidc.client?.clientId ?? "").catch(() => undefined),
    );
    return { provider, handle: provider.callback() };
  }
  // The provider takes its keys once; after a rotation a new one stands on the same store.
  let current = build();
  keys.onChange(() => (current = build()));

  const pass: RequestHandler = (request, response) => void current.handle(request, response);
  const refuse = (response: Response, thrown: unknown, code: string): void => {
    const error = GatewayError.from(thrown);
    if (error.kind === "internal") log.error({ error: thrown }, "the authorization server failed");
    response
      .status(error.spec.status)
      .set(error.headers)
      .set("cache-control", "no-store")
      .json({ error: error.kind === "internal" ? "server_error" : code, error_description: error.message });
  };

  async function revoke(request: Request, response: Response): Promise<void> {
    try {
      await revocation.handle(request, response, current.handle);
    } catch (error) {
      refuse(response, error, "invalid_request");
    }
  }

  const limit = createRegistrationLimit(clock);
  async function register(request: Request, response: Response): Promise<void> {
    let metadata: Readonly<Record<string, unknown>>;
    try {
      limit();
      metadata = checkRegistration(await readBody(request, REGISTRATION_BYTES));
    } catch (error) {
      refuse(response, error, "invalid_client_metadata");
      return;
    }
    await current.handle(withBody(request, Buffer.from(JSON.stringify(metadata))), response);
  }

  router.get(["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"], (_request, response) => {
    response.set("cache-control", "public, max-age=300").json(
      serverMetadata(issuer, {
        scopes: [...scopes.all(), "openid", "offline_access"],
        registration: config.dynamicRegistration,
      }),
    );
  });
  addInteraction(router, {
    provider: () => current.provider,
    publicOrigin: issuer,
    accounts,
    clients: registry,
    formKeys: () => keys.cookieKeys,
    failed,
  });
  router.use("/oauth/jwks", openCors("GET"));
  router.use(["/oauth/token", "/oauth/register", "/oauth/revoke"], openCors("POST"));
  router.post("/oauth/revoke", (request, response) => void revoke(request, response));
  if (config.dynamicRegistration)
    router.post("/oauth/register", (request, response) => void register(request, response));
  router.get(["/oauth/authorize", "/oauth/authorize/:uid", "/oauth/jwks"], pass);
  router.post("/oauth/token", pass);

  const signIn = createConsoleSignIn({
    issuer,
    secret: consoleSecret,
    origin: consoleOrigin,
    handle: (request, response) => current.handle(request, response),
    verify: verifyAdmin,
    revoke: revocations.revoke,
    clock,
  });
  return { clients: registry.clients, accounts, signIn };
}
