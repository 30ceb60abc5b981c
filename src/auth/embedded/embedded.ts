import type { IncomingMessage } from "node:http";
import type { Request, RequestHandler, Response, Router } from "express";
import { compactVerify } from "jose";
import { Provider, type AdapterPayload } from "oidc-provider";
import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Upstream } from "../../http/upstream.ts";
import type { Store } from "../../state/store.ts";
import type { TokenSigner } from "../access-token.ts";
import { createAccounts, type Accounts } from "../accounts.ts";
import type { Audiences } from "../audiences.ts";
import { createClients, type Clients } from "../clients.ts";
import { parseCompactJws } from "../compact-jws.ts";
import type { EmbeddedConfig } from "../config.ts";
import { openCors } from "../cors.ts";
import type { FailureLog } from "../failure-log.ts";
import type { Revocations } from "../revocations.ts";
import type { SigningKeys } from "../signing-keys.ts";
import { LEEWAY_MS, type Verdict } from "../token-verifier.ts";
import { createAdapterFactory } from "./adapter.ts";
import { addInteraction } from "./interaction.ts";
import { clientScopes, createProvider } from "./provider.ts";
import { checkRegistration, createRegistrationLimit, REGISTRATION_BYTES } from "./registration.ts";
import { readBody, withBody } from "./replay.ts";
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
  readonly failed: FailureLog;
  readonly store: Store;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly log: Log;
}

const REVOCATION_BYTES = 32 * 1024;

/** The embedded authorization server: its clients, its accounts, and its routes added to `router`. */
export async function addEmbedded(router: Router, options: EmbeddedOptions): Promise<{ clients: Clients; accounts: Accounts }> {
  const { issuer, config, baseScopes, policyScopes, audiences, keys, revocations, sign, verify, failed, store, upstream, clock, log } = options;
  const accessTokenTtlMs = config.accessTokenTtl + 2 * LEEWAY_MS;
  const registry = createClients({ config, store, revocations, clock });
  const accounts = await createAccounts({ config, store, clock });
  const scopes = { base: baseScopes, all: () => [...new Set([...baseScopes, ...config.scopes, ...policyScopes()])] };

  /* Access tokens are JWTs and not stored: what the provider would look up for a revocation is read from the verified token itself. */
  const presented = new WeakMap<IncomingMessage, { readonly model: string; readonly payload: AdapterPayload }>();
  const adapter = createAdapterFactory({
    store,
    clients: registry,
    revocations,
    accessTokenTtlMs,
    presented(model, id) {
      const context = Provider.ctx;
      const found = context === undefined ? undefined : presented.get(context.req);
      return found?.model === model && found.payload.jti === id ? found.payload : undefined;
    },
  });

  function build(): { provider: Provider; handle: (request: IncomingMessage, response: Response) => Promise<void> } {
    const provider = createProvider({ issuer, config, keys, adapter, accounts, clients: registry, audiences, scopes, fetch: upstream.fetch("configured"), log });
    addTokenExchange(provider, { issuer, audiences, verify, allowedScopes: (id) => clientScopes({ clients: registry, scopes }, id), sign, accessTokenTtlMs: config.accessTokenTtl, clock });
    provider.on("grant.success", (context) => void registry.touch(context.oidc.client?.clientId ?? "").catch(() => undefined));
    return { provider, handle: provider.callback() };
  }
  // The provider takes its keys once; after a rotation a new one stands on the same store.
  let current = build();
  keys.onChange(() => (current = build()));

  const pass: RequestHandler = (request, response) => void current.handle(request, response);
  const refuse = (response: Response, thrown: unknown, code: string): void => {
    const error = GatewayError.from(thrown);
    if (error.kind === "internal") log.error({ err: thrown }, "the authorization server failed");
    response.status(error.spec.status).set(error.headers).set("cache-control", "no-store").json({ error: error.kind === "internal" ? "server_error" : code, error_description: error.message });
  };

  async function revoke(request: Request, response: Response): Promise<void> {
    try {
      const body = await readBody(request, REVOCATION_BYTES);
      const form = new URLSearchParams(body.toString("utf8"));
      const payload = await revocable(form.get("token") ?? "");
      if (payload === undefined) return await current.handle(withBody(request, body), response);
      form.set("token", payload.jti ?? "");
      const replayed = withBody(request, Buffer.from(form.toString()));
      presented.set(replayed, { model: payload.kind ?? "", payload });
      await current.handle(replayed, response);
    } catch (error) {
      refuse(response, error, "invalid_request");
    }
  }

  /** The record behind an access token that we signed, whether or not it has expired. */
  async function revocable(token: string): Promise<AdapterPayload | undefined> {
    const jws = parseCompactJws(token);
    if (jws?.payload["iss"] !== issuer || jws.header["alg"] !== "ES256") return undefined;
    const key = await keys.keyFor({ alg: "ES256", kid: String(jws.header["kid"]) });
    const valid = key !== undefined && (await compactVerify(token, key, { algorithms: ["ES256"] }).then(() => true, () => false));
    if (!valid) return undefined;
    const { jti, sub, client_id: clientId, iat, exp, gid, act } = jws.payload;
    const own = sub === clientId && act === undefined;
    return {
      kind: own ? "ClientCredentials" : "AccessToken",
      jti: String(jti),
      clientId: String(clientId),
      iat: Number(iat),
      exp: Number(exp),
      ...(own ? {} : { accountId: String(sub) }),
      // A delegated token ends alone: the agent that holds it may not end the user's own grant.
      ...(typeof gid === "string" && act === undefined ? { grantId: gid } : {}),
    };
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
    response.set("cache-control", "public, max-age=300").json(serverMetadata(issuer, { scopes: [...scopes.all(), "openid", "offline_access"], registration: config.dynamicRegistration }));
  });
  addInteraction(router, { provider: () => current.provider, publicOrigin: issuer, accounts, clients: registry, formKeys: () => keys.cookieKeys, failed });
  router.use("/oauth/jwks", openCors("GET"));
  router.use(["/oauth/token", "/oauth/register", "/oauth/revoke"], openCors("POST"));
  router.post("/oauth/revoke", revoke);
  if (config.dynamicRegistration) router.post("/oauth/register", register);
  router.get(["/oauth/authorize", "/oauth/authorize/:uid", "/oauth/jwks"], pass);
  router.post("/oauth/token", pass);

  return { clients: registry.clients, accounts };
}
