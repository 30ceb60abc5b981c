import { isDeepStrictEqual } from "node:util";
import { publicUrlOf } from "../http/config.ts";
import { createAuth, type Auth } from "../auth/auth.ts";
import { parseAuthConfig } from "../auth/config.ts";
import { createAuthz, type Authz } from "../authz/authz.ts";
import { type Budgets, createBudgets } from "../budgets/budgets.ts";
import { createChainTokens } from "../budgets/chains/chain-token.ts";
import { createRunaway, type Runaway } from "../budgets/runaway/runaway.ts";
import type { Config } from "../config/schema.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Protocol } from "../core/operation.ts";
import type { Operate, ProtocolHandler, Visible } from "../core/step.ts";
import { createChains, type Chains } from "./chains.ts";
import { createExchangeRecorder } from "./exchange-recorder.ts";
import type { Foundation } from "./foundation.ts";
import { createGuardrails, type Guardrails } from "../guardrails/guardrails.ts";
import { type Cache, createCache } from "../inference/cache/cache.ts";
import { createServiceRoutes } from "../services/rule-route.ts";
import { createStoredSecrets } from "../state/stored-secrets.ts";
import { createHandlers, type Handlers } from "./handlers.ts";
import { createListenerTable, type ListenerTable } from "./listener-table.ts";
import { createLoops } from "./loops.ts";
import { createJourneys, type ProtocolJourney } from "./journeys.ts";
import { createOperationRecorder } from "./operation-recorder.ts";
import { createRoutes, type Routes } from "./routes.ts";
import { sameParts } from "./same-parts.ts";
import { routeSettings, serviceRouteOptions } from "./settings.ts";

/** Everything that one configuration gives; an operation runs under the epoch in which it began. */
export interface Epoch {
  readonly config: Config;
  readonly publicUrl: URL;
  readonly routes: Routes;
  readonly listeners: ListenerTable;
  readonly auth: Auth;
  readonly authz: Authz;
  readonly chains: Chains;
  readonly budgets: Budgets;
  readonly guardrails: Guardrails;
  /** Undefined: no answer of a model is kept. */
  readonly cache: Cache | undefined;
  /** Undefined: nothing watches. */
  readonly runaway: Runaway | undefined;
  readonly handlers: Handlers;
  readonly journeys: Readonly<Record<Protocol, ProtocolJourney>>;
}

/** How a handler, which may outlive an epoch, reaches the epoch of the exchange at hand. */
export interface EpochAccess {
  readonly operate: Operate;
  readonly visible: Visible;
  /** Names the rules under which an exchange is judged. */
  readonly policyHash: (exchange: Exchange) => string;
  /** The current epoch's parts, or these while the first epoch is being built. */
  readonly latest: (draft: Pick<Epoch, "routes" | "authz">) => Pick<Epoch, "routes" | "authz">;
}

/**
 * Builds an epoch completely before anyone sees it. Parts whose configuration did not change are taken over from `former`. When one part fails,
 * those that were opened before it are closed again, and nothing that outlives the epoch has changed.
 */
export async function createEpoch(
  config: Config,
  foundation: Foundation,
  access: EpochAccess,
  former?: Epoch,
): Promise<Epoch> {
  const opened: Opened[] = [];
  try {
    const epoch = await buildEpoch(config, foundation, access, opened, former);
    for (const part of opened) part.begin?.();
    return epoch;
  } catch (error) {
    // Started all at once: what one of them still writes must not keep another at work.
    const closing = opened.toReversed().map((part) => part.close());
    for (const result of await Promise.allSettled(closing))
      if (result.status === "rejected")
        foundation.log.error({ error: result.reason as unknown }, "a part of a refused configuration did not close");
    throw error;
  }
}

/** A part of an epoch that is being built, and is this epoch's alone so far. */
type Opened = Pick<ProtocolHandler, "begin" | "close">;

function open<T extends Opened>(opened: Opened[], part: T): T {
  opened.push(part);
  return part;
}

async function buildEpoch(
  config: Config,
  foundation: Foundation,
  access: EpochAccess,
  opened: Opened[],
  former?: Epoch,
): Promise<Epoch> {
  const { store, clock, log, meter } = foundation;
  const publicUrl = publicUrlOf(config);
  const authConfig = config.auth ?? parseAuthConfig({});
  const settings = routeSettings(config, authConfig, publicUrl);
  const services = config.routes && createServiceRoutes(serviceRouteOptions(config, config.routes, settings));
  const routes = createRoutes(settings, services);
  const listeners = createListenerTable(config, publicUrl);
  const secret = createStoredSecrets(store);
  const tokens = createChainTokens(await secret("chain tokens"), clock);
  const budgets = createBudgets({ config: config.budgets, ...foundation });
  const authz = await createAuthz({
    config: config.policies,
    baseDir: config.baseDir,
    log,
    remaining: budgets.remaining,
  });
  const sameAuth =
    former !== undefined &&
    sameParts(former.config, config, ["auth", "tenant", "publicUrl"]) &&
    former.config.console.url?.origin === config.console.url?.origin &&
    isDeepStrictEqual(former.config.console.signIn, config.console.signIn);
  const auth = sameAuth
    ? former.auth
    : open(
        opened,
        await createAuth({
          config: authConfig,
          ...(config.tenant !== undefined && { tenant: config.tenant }),
          publicUrl,
          consoleOrigin: config.console.url?.origin,
          consoleClient: config.console.signIn,
          routes: () => access.latest({ routes, authz }).routes.all,
          policyScopes: () => access.latest({ routes, authz }).authz.scopes,
          store,
          upstream: foundation.upstream,
          clock,
          log,
        }),
      );
  const clients = agentClients(config);
  const chains = createChains({
    store,
    accounts: foundation.chains,
    tokens,
    agentClients: new Set(clients.keys()),
    tracer: foundation.tracer,
  });
  // Answers are kept over a reload that does not change how; those of other rules or models are in partitions of their own.
  const cache =
    former !== undefined && sameParts(former.config, config, ["cache"])
      ? former.cache
      : config.cache &&
        open(
          opened,
          createCache({
            ...foundation,
            config: config.cache,
            log: log.child({ part: "cache" }),
            deployment: (await secret("names of vectors")).toString("base64url"),
          }),
        );
  const handlers = createHandlers(config, publicUrl, foundation, access, { cache, former, opened });
  // Guards keep what they have learnt (a breaker, a compiled pattern) over a reload that does not change them.
  const guardrails =
    former !== undefined && sameParts(former.config, config, ["guardrails"])
      ? former.guardrails
      : createGuardrails(config.guardrails, {
          upstream: foundation.upstream,
          breaker: (name) => foundation.failover.breakers.of(name),
          clock,
          log: log.child({ part: "guardrails" }),
          secret,
        });
  // What was counted stays counted over a reload that does not change how.
  const runaway =
    former !== undefined && sameParts(former.config, config, ["runaway"])
      ? former.runaway
      : config.runaway.action === "off"
        ? undefined
        : createRunaway(config.runaway, clock);
  const journeys = createJourneys(
    {
      limits: config.admission,
      inFlight: foundation.inFlight,
      pace: foundation.pace,
      failover: foundation.failover,
      open: foundation.open,
      auth,
      authz,
      chains,
      accounts: foundation.chains,
      loops: createLoops(clients),
      runaway,
      runawayConfig: config.runaway,
      taintConfig: config.taint,
      readsTaint: authz.reads("tainted") || JSON.stringify(config.budgets).includes("tainted"),
      clock,
      meter,
      handlers,
      guardrails,
      budgets,
      spend: foundation.spend,
      recorder: createOperationRecorder({ ...foundation, policyHash: authz.policyHash }),
      exchanges: createExchangeRecorder(foundation.metrics, foundation.tracer, meter),
    },
    clock,
  );
  return {
    config,
    publicUrl,
    routes,
    listeners,
    auth,
    authz,
    chains,
    budgets,
    guardrails,
    cache,
    runaway,
    handlers,
    journeys,
  };
}

/** Names of the agents that call back, by their OAuth client. */
function agentClients(config: Config): ReadonlyMap<string, readonly string[]> {
  const clients = new Map<string, string[]>();
  for (const [name, { client }] of Object.entries(config.a2a?.agents ?? {})) {
    if (client !== undefined) clients.set(client, [...(clients.get(client) ?? []), name]);
  }
  return clients;
}
