import { GatewayError } from "../core/errors.ts";
import type { ProtocolHandler } from "../core/step.ts";
import { createAgents } from "./agents.ts";
import type { Orphans } from "./caller-hold.ts";
import { isVersion, normaliseVersion } from "./operations.ts";
import type { A2aOptions } from "./options.ts";
import { renderA2aError } from "./render-error.ts";
import { handleRpc } from "./rpc.ts";
import { methodNotAllowed, serveCard, serveCatalogue } from "./serve-card.ts";
import { createTaskIndex } from "./task-index.ts";

export type { A2aOptions, Handed, HandedAgent } from "./options.ts";

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
        return serveCard(exchange, name, agents, options);
      }
      if (rest !== "")
        throw new GatewayError(
          "not_found",
          "There is nothing at this address. An agent's JSON-RPC is at /a2a/NAME, its card at /a2a/NAME/.well-known/agent-card.json.",
        );
      if (method !== "POST") throw methodNotAllowed("POST");
      return handleRpc(exchange, name, { options, agents, index, orphans });
    },
    renderError(error, exchange, body) {
      const version = normaliseVersion(
        exchange.request.headers["a2a-version"] ?? new URLSearchParams(exchange.request.query).get("A2A-Version") ?? "",
      );
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

/**
 * `/a2a/NAME/REST` → name and `/REST`. A slash at the end of an agent's address is the same address: some clients add one. A name may
 * be NAMESPACE/NAME, and is taken for one whether there is such an agent or not: the answer must not tell.
 */
function splitPath(path: string): readonly [name: string, rest: string] {
  const [, name = "", rest = ""] = /^([^/]*(?:\/[^/.][^/]*)?)(.*)$/s.exec(path.slice(root.length + 1)) ?? [];
  return [name, rest === "/" ? "" : rest];
}
