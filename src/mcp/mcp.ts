import { createOpenSet } from "../core/open-set.ts";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Log } from "../core/log.ts";
import type { Operate, ProtocolHandler, Visible } from "../core/step.ts";
import type { Upstream } from "../http/upstream.ts";
import type { Store } from "../state/store.ts";
import { Catalog } from "./catalog.ts";
import type { McpConfig } from "./config.ts";
import type { DispatchOptions } from "./dispatch.ts";
import { linkFor } from "./links.ts";
import { KEEP_ALIVE_MS, Outlet } from "./outlet.ts";
import { receivePost } from "./receive-post.ts";
import { idOf, renderRpcError } from "./render-error.ts";
import { RouteView } from "./route-view.ts";
import { endSession, openSessionStream } from "./session-requests.ts";
import { Sessions } from "./sessions.ts";
import { McpServer } from "./upstreams/server.ts";

const SWEEP_MS = 30_000;

export interface McpOptions {
  readonly config: McpConfig;
  /** Where callers reach this gateway; errors and metadata name nothing else. */
  readonly publicUrl: URL;
  readonly operate: Operate;
  readonly visible: Visible;
  readonly upstream: Upstream;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

/** The MCP relay: every configured route in front of its servers, for clients of both eras. Servers are reached when first needed. */
export function createMcp(options: McpOptions): ProtocolHandler {
  const { config, upstream, store, clock, log } = options;
  const servers = new Map<string, McpServer>();
  const catalogs = new Map<string, Catalog>();
  for (const [name, server] of Object.entries(config.servers)) {
    const made = new McpServer({ name, config: server, upstream, clock, log });
    servers.set(name, made);
    catalogs.set(name, new Catalog(made, clock, log));
  }
  const views = new Map<string, RouteView>();
  for (const [path, route] of Object.entries(config.routes)) {
    const members = route.servers.map((name) => ({ server: servers.get(name)!, catalog: catalogs.get(name)! }));
    views.set(path, new RouteView(route, members, log));
  }
  const sessions = new Sessions({
    store,
    clock,
    idleMs: config.sessions.idle,
    max: config.sessions.max,
    release: async (session) => {
      /* A session that was restored from its record has no open links, but may have sessions at servers. */
      const ends = Object.entries(session.record.servers).map(async ([name, restored]) => {
        const hello = { version: restored.version, capabilities: {}, client: {} };
        const link = await (session.links.get(name) ?? servers.get(name)?.dedicated({ restored, hello }));
        await link?.close();
      });
      session.links.clear();
      await Promise.allSettled(ends);
    },
  });
  const ending = new AbortController();
  const open = createOpenSet<Outlet>();
  const dispatching: DispatchOptions = {
    operate: options.operate,
    visible: options.visible,
    clock,
    log,
    sessions,
    servers,
    ending: ending.signal,
    link: (server, caller) => linkFor(sessions, server, caller),
  };
  const keepAlive = setInterval(() => {
    for (const outlet of open.all()) outlet.keepAlive();
  }, KEEP_ALIVE_MS);
  keepAlive.unref();
  const sweep = setInterval(() => {
    void sessions.sweep();
    for (const server of servers.values()) server.sweep();
  }, SWEEP_MS);
  sweep.unref();

  async function handle(exchange: Exchange): Promise<void> {
    const view = views.get(exchange.route.path);
    if (view === undefined) throw new GatewayError("not_found", "Nothing is served here.");
    const outlet = new Outlet(exchange, open);
    try {
      switch (exchange.request.method) {
        case "POST":
          return await receivePost(dispatching, exchange, view, outlet);
        case "GET":
          return await openSessionStream(dispatching, exchange, view, outlet);
        case "DELETE":
          return await endSession(dispatching, exchange);
        default:
          throw new GatewayError("method_not_allowed", "MCP takes POST; a session also takes GET and DELETE.", {
            headers: { allow: "POST, GET, DELETE" },
          });
      }
    } finally {
      outlet.close();
    }
  }

  return {
    handle,
    renderError: (error, _exchange, body) => renderRpcError(error, idOf(body)),
    endStanding: () => ending.abort(),
    async close() {
      clearInterval(keepAlive);
      clearInterval(sweep);
      ending.abort();
      sessions.close();
      await Promise.all([...servers.values()].map((server) => server.close()));
    },
  };
}
