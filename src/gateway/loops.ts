import type { Exchange } from "../core/exchange.ts";
import type { Operation } from "../core/operation.ts";

/** Finds hand-offs that go in a circle. */
export interface Loops {
  /** The agents from the one that would be asked again to itself, when this operation hands work to one that is already at it. */
  find(exchange: Pick<Exchange, "chain" | "principal">, operation: Operation): readonly string[] | undefined;
}

/* What gives an agent work. Asking after a task gives none. */
const handing = new Set(["SendMessage", "SendStreamingMessage"]);

/**
 * Who is already at it: the agents of the chain, the caller itself, and those that act for the user by the caller's token, which names
 * them also where an agent lost the chain. `agents`: names by OAuth client. Agents that share one client cannot be told apart by it,
 * so only the chain speaks for them.
 */
export function createLoops(agents: ReadonlyMap<string, readonly string[]>): Loops {
  const only = (client: string): string | undefined => {
    const names = agents.get(client);
    return names?.length === 1 ? names[0] : undefined;
  };
  return {
    find({ chain, principal }, { protocol, method, target }) {
      if (protocol !== "a2a" || !handing.has(method)) return undefined;
      const way = [...chain.path];
      const note = (name: string | undefined) => {
        if (name !== undefined && !way.includes(name)) way.push(name);
      };
      for (const { subject } of principal.actors.toReversed()) note(only(subject));
      note(only(principal.client));
      const from = way.indexOf(target.server);
      return from === -1 ? undefined : [...way.slice(from), target.server];
    },
  };
}
