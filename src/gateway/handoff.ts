import type { Handed, HandedAgent } from "../a2a/a2a.ts";
import type { Exchange } from "../core/exchange.ts";
import { epochOf } from "./gateway-exchange.ts";

/* Long enough for an agent to set to work; it exchanges the token for fresh ones while it lives. */
const actorTokenTtlMs = 15 * 60_000;

/**
 * What an agent that calls back is given with its task: a token with which it acts for the caller, one with which it goes on with the
 * chain, and nothing else of the caller's. The chain is noted before the task is sent, so that its first call back already finds it.
 */
export async function handOff(exchange: Exchange, agent: HandedAgent): Promise<Handed> {
  const { auth, chains } = epochOf(exchange);
  const chainToken = await chains.handTo(exchange, agent.name, agent.client);
  if (exchange.principal.credential === "anonymous") return { headers: {}, chainToken };
  const token = await auth.mintActorToken({
    principal: exchange.principal,
    client: agent.client,
    audience: auth.audience,
    scopes: exchange.principal.scopes,
    ttlMs: actorTokenTtlMs,
  });
  return { headers: { "x-sallyport-actor-token": token }, chainToken };
}
