import { createHash } from "node:crypto";
import { GatewayError } from "../core/errors.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Operation } from "../core/operation.ts";
import type { Agent } from "./agent.ts";
import { unknownAgent, type Agents } from "./agents.ts";
import { emptyVariables, isVersion, normaliseVersion } from "./operations.ts";
import type { A2aOptions } from "./options.ts";

/** Answers a request for the card of the agent `name`: 404 for one the caller may not know of. */
export async function serveCard(exchange: Exchange, name: string, agents: Agents, options: A2aOptions): Promise<void> {
  const agent = agents.get(name);
  const isPublic = options.config.cards === "public";
  if (agent === undefined || (!isPublic && !agents.isVisible(exchange, agent))) throw unknownAgent(name);
  const { headers, query } = exchange.request;
  const version = normaliseVersion(headers["a2a-version"] ?? new URLSearchParams(query).get("A2A-Version") ?? "");
  // Who asks for a version nobody speaks is still helped by a card: it lists the versions there are.
  const shape = isVersion(version) ? version : "1.0";
  const operation: Operation = {
    protocol: "a2a",
    method: "GetAgentCard",
    direction: "to-target",
    mode: "call",
    target: { kind: "agent", name, server: name },
    tenant: agent.config.tenant,
    judged: false,
    variables: { a2a: emptyVariables(name, "GetAgentCard", shape) },
  };
  await options.operate(exchange, operation, {
    plan: () => [{ name }],
    relay: async () =>
      sendCard(exchange, agents.publicCard(agent, await agent.card(), shape), isPublic, options.config.cardTtl),
  });
}

function sendCard(exchange: Exchange, card: Readonly<Record<string, unknown>>, isPublic: boolean, ttlMs: number): void {
  const body = Buffer.from(JSON.stringify(card));
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 27)}"`;
  const maxAge = Math.floor(ttlMs / 1_000);
  const cacheHeaders = {
    etag,
    "cache-control": isPublic ? `public, max-age=${maxAge}` : `private, max-age=${maxAge}`,
    vary: isPublic ? "A2A-Version" : "A2A-Version, Authorization",
  };
  if (matches(exchange.request.headers["if-none-match"], etag)) return exchange.reply.send(304, cacheHeaders);
  exchange.reply.send(200, { ...cacheHeaders, "content-type": "application/json" }, body);
}

/** Lists the agents the caller may use. */
export function serveCatalogue(exchange: Exchange, agents: Agents): void {
  const visible: Agent[] = [...agents.all()].filter((agent) => agents.isVisible(exchange, agent));
  const listed = visible.map((agent) => ({
    name: agent.name,
    url: agents.publicUrl(agent),
    card: `${agents.publicUrl(agent)}/.well-known/agent-card.json`,
  }));
  exchange.reply.send(
    200,
    { "content-type": "application/json", "cache-control": "no-store" },
    JSON.stringify({ agents: listed }),
  );
}

/** RFC 9110, section 13.1.2: weak comparison over a list. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((item) => item.trim() === "*" || item.trim().replace(/^W\//, "") === etag);
}

export function methodNotAllowed(allowed: string): GatewayError {
  return new GatewayError("method_not_allowed", `This address takes ${allowed} only.`, { headers: { allow: allowed } });
}
