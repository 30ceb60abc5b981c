import { GatewayError } from "../core/errors.ts";
import type { Exchange } from "../core/exchange.ts";
import type { A2aOptions } from "./options.ts";
import { createAgent, type Agent, type AgentCard } from "./agent.ts";
import { rewriteCard } from "./card.ts";
import { emptyVariables, type Version } from "./operations.ts";

/** The configured agents, as callers may see them. */
export interface Agents {
  get(name: string): Agent | undefined;
  all(): Iterable<Agent>;
  /** Whether policy lets the caller send this agent anything at all. */
  isVisible(exchange: Exchange, agent: Agent): boolean;
  /** The card callers are shown. */
  publicCard(agent: Agent, card: AgentCard, shape: Version): Record<string, unknown>;
  /** The agent's address at the gateway. */
  publicUrl(agent: Agent): string;
}

/** One answer for an agent that does not exist and for one the caller may not see. */
export const unknownAgent = (name: string) =>
  new GatewayError("not_found", `There is no agent ${JSON.stringify(name.slice(0, 64))} here.`);

export function createAgents({ config, publicUrl, visible, upstream, clock, log, authorization }: A2aOptions): Agents {
  const agents = new Map<string, Agent>();
  for (const [name, agent] of Object.entries(config.agents)) {
    agents.set(name, createAgent(name, agent, { upstream, clock, log, cardTtlMs: config.cardTtl }));
  }
  const base = publicUrl.href.replace(/\/+$/, "");
  const urlOf = (agent: Agent) => `${base}/a2a/${agent.name}`;
  return {
    get: (name) => agents.get(name),
    all: () => agents.values(),
    isVisible: (exchange, agent) =>
      visible(exchange, {
        protocol: "a2a",
        method: "SendMessage",
        direction: "to-target",
        mode: "call",
        target: { kind: "agent", name: agent.name, server: agent.name },
        tenant: agent.config.tenant,
        judged: true,
        variables: { a2a: emptyVariables(agent.name, "SendMessage", "1.0") },
      }),
    publicUrl: urlOf,
    publicCard: (agent, card, shape) =>
      rewriteCard(card, { publicUrl: urlOf(agent), agentUrl: agent.config.url, shape, authorization }),
  };
}
