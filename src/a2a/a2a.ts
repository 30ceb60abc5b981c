import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Log } from "../core/log.ts";
import type { Operate, ProtocolHandler, Visible } from "../core/step.ts";
import type { Upstream } from "../http/upstream.ts";
import type { Store } from "../state/store.ts";
import { createAgents } from "./agents.ts";
import type { Orphans } from "./caller-hold.ts";
import type { CardAuthorization } from "./card.ts";
import type { A2aConfig } from "./config.ts";
import { isVersion, normaliseVersion } from "./operations.ts";
import { renderA2aError } from "./render-error.ts";
import { handleRpc } from "./rpc.ts";
import { methodNotAllowed, serveCard, serveCatalogue } from "./serve-card.ts";
import { createTaskIndex } from "./task-index.ts";

/** An agent that calls back through the gateway, as the one it is handed a task. */
export interface HandedAgent {
  readonly name: string;
  /** The OAuth client id it authenticates with. */
  readonly client: string;
}

export interface A2aOptions {
  readonly config: A2aConfig;
  /** The address callers know; cards are written from it alone. */
  readonly publicUrl: URL;
  readonly operate: Operate;
  readonly visible: Visible;
  readonly upstream: Upstream;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: cards offer HTTP bearer only. */
  readonly authorization?: CardAuthorization;
  /**
   * Headers added for an agent that has a `client`: the actor token with which it may act for the caller
   * (`x-sallyport-actor-token`), and whatever ties its calls to this chain. Lower-case names.
   */
  readonly onHandoff?: (
    exchange: Exchange,
    agent: HandedAgent,
  ) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
}

const root = "/a2a";
const cardPaths = new Set(["/.well-known/agent-card.json", "/.well-known/agent.json"]);

/** The A2A relay: `/a2a/NAME` for JSON-RPC, the card below it, and the list of agents at `/a2a`. */
export function createA2a(options: A2aOptions): ProtocolHandler {
  const agents = createAgents(options);
  const index = createTaskIndex(options.store, options.clock, options.config.remember);
  const orphans: Orphans = new Set();
  return {
    async handle(exchange) {
      const { method, path } = exchange.request;
      const isRead = method === "GET" || method === "HEAD";
      const [name, rest] = splitPath(path);
      if (name === "") {
        if (!isRead) throw methodNotAllowed("GET");
        return serveCatalogue(exchange, agents);
      }
      if (cardPaths.has(rest)) {
        if (!isRead) throw methodNotAllowed("GET");
        return serveCard(exchange, name, agents, options.config);
      }
      if (rest !== "") throw new GatewayError("not_found", "There is nothing at this address. An agent's JSON-RPC is at /a2a/NAME, its card at /a2a/NAME/.well-known/agent-card.json.");
      if (method !== "POST") throw methodNotAllowed("POST");
      return handleRpc(exchange, name, { options, agents, index, orphans });
    },
    renderError(error, exchange, body) {
      const version = normaliseVersion(exchange.request.headers["a2a-version"] ?? new URLSearchParams(exchange.request.query).get("A2A-Version") ?? "");
      return renderA2aError(error, isVersion(version) ? version : "1.0", body);
    },
    close() {
      const reason = new GatewayError("draining", "The gateway is stopping.");
      for (const orphan of orphans) orphan.abort(reason);
      orphans.clear();
      return Promise.resolve();
    },
  };
}

/** `/a2a/NAME/REST` → name and `/REST`. A slash at the end of an agent's address is the same address: some clients add one. */
function splitPath(path: string): readonly [name: string, rest: string] {
  const inside = path.slice(root.length + 1);
  const slash = inside.indexOf("/");
  if (slash === -1) return [inside, ""];
  const rest = inside.slice(slash);
  return [inside.slice(0, slash), rest === "/" ? "" : rest];
}
