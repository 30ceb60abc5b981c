import { resolve } from "node:path";
import { createA2a, type A2aOptions } from "../a2a/a2a.ts";
import type { Config } from "../config/schema.ts";
import type { Protocol } from "../core/operation.ts";
import type { ProtocolHandler } from "../core/step.ts";
import type { Cache } from "../inference/cache/cache.ts";
import { createInference } from "../inference/inference.ts";
import { createMcp } from "../mcp/mcp.ts";
import { isModelRule } from "../services/route-config.ts";
import { createServices } from "../services/services.ts";
import type { EpochAccess } from "./epoch.ts";
import type { Foundation } from "./foundation.ts";
import { handOff } from "./handoff.ts";
import { sameParts } from "./same-parts.ts";

/** The protocols that are configured. */
export type Handlers = Readonly<Partial<Record<Protocol, ProtocolHandler>>>;

export interface HandlerParts {
  readonly cache: Cache | undefined;
  readonly former: { readonly config: Config; readonly handlers: Handlers } | undefined;
  /** Takes those that are made, one by one: when the next one fails they are to be closed. */
  readonly opened: Pick<ProtocolHandler, "begin" | "close">[];
}

/**
 * Makes the handler of each configured protocol, or takes it over where its configuration did not change: sessions, child
 * processes and catalogs then survive a reload.
 */
export function createHandlers(
  config: Config,
  publicUrl: URL,
  foundation: Foundation,
  access: Pick<EpochAccess, "operate" | "visible" | "policyHash">,
  { cache, former, opened }: HandlerParts,
): Handlers {
  const tools = {
    publicUrl,
    operate: access.operate,
    visible: access.visible,
    upstream: foundation.upstream,
    store: foundation.store,
    clock: foundation.clock,
  };
  const { mcp, a2a, models, pools, routing, routes, services = {} } = config;
  const hasModels = models !== undefined || Object.values(routes ?? {}).some(({ rules }) => rules.some(isModelRule));
  const log = (protocol: Protocol) => foundation.log.child({ protocol });
  const keep = (
    protocol: Protocol,
    keys: readonly (keyof Config)[],
    create: () => ProtocolHandler,
  ): ProtocolHandler => {
    const standing = former?.handlers[protocol];
    if (standing !== undefined && former !== undefined && sameParts(former.config, config, [...keys, "publicUrl"]))
      return standing;
    const made = create();
    opened.push(made);
    return made;
  };
  return {
    ...(mcp && {
      mcp: keep("mcp", ["mcp"], () =>
        createMcp({ ...tools, log: log("mcp"), config: fromBaseDir(mcp, config.baseDir) }),
      ),
    }),
    ...(a2a && {
      a2a: keep("a2a", ["a2a", "auth"], () =>
        createA2a({
          ...tools,
          log: log("a2a"),
          config: a2a,
          onHandoff: handOff,
          ...authorizationOf(config, publicUrl),
        }),
      ),
    }),
    ...(routes && {
      http: keep("http", ["services"], () =>
        createServices({ ...tools, meter: foundation.meter, log: log("http"), services }),
      ),
    }),
    ...(hasModels && {
      llm: keep("llm", ["models", "pools", "cache", "routing"], () =>
        createInference({
          ...tools,
          pools: foundation.pools,
          modelMemory: foundation.modelMemory,
          meter: foundation.meter,
          // A function made here would keep the former configuration, which keeps the one before it, and so all there ever were.
          countTokens: foundation.counter.count.bind(foundation.counter),
          log: log("llm"),
          config: { models, pools, routing },
          recall: cache && { cache, policyHash: access.policyHash },
        }),
      ),
    }),
  };
}

/** Where cards send callers for a token: to the embedded server, where there is one. */
function authorizationOf({ auth }: Config, { origin }: URL): Pick<A2aOptions, "authorization"> {
  if (auth?.embedded === undefined) return {};
  const metadataUrl = `${origin}/.well-known/oauth-authorization-server`;
  return { authorization: { metadataUrl, tokenUrl: `${origin}/oauth/token` } };
}

/** Programs start in the folder of the configuration, like every other relative path in it. */
function fromBaseDir(mcp: NonNullable<Config["mcp"]>, baseDir: string): NonNullable<Config["mcp"]> {
  const servers = Object.entries(mcp.servers).map(([name, server]) =>
    server.command === undefined ? [name, server] : [name, { ...server, cwd: resolve(baseDir, server.cwd ?? ".") }],
  );
  return { ...mcp, servers: Object.fromEntries(servers) };
}
