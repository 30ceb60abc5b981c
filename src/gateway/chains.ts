import type { Chain } from "../core/chain.ts";
import type { Exchange, TraceContext } from "../core/exchange.ts";
import type { Principal } from "../core/principal.ts";
import type { Tracer } from "../observability/traces.ts";
import type { Store } from "../state/store.ts";

const collection = "handoffs";
/* A task may run for hours before its agent calls back. */
const handoffTtlMs = 24 * 3_600_000;

interface Handoff {
  readonly agent: string;
  readonly root: string;
  readonly depth: number;
  readonly path: readonly string[];
}

export interface Joined {
  readonly chain: Chain;
  readonly trace: TraceContext;
}

/** Which chain a request belongs to. */
export interface Chains {
  resolve(exchange: Pick<Exchange, "id" | "request">, principal: Principal): Joined | Promise<Joined>;
  /** Notes that this exchange's trace is handed to an agent; await it before the agent can call back. */
  handTo(exchange: Exchange, agent: string, client: string): Promise<void>;
}

export interface ChainsOptions {
  readonly store: Store;
  /** OAuth clients of the configured agents. */
  readonly agentClients: ReadonlySet<string>;
  readonly tracer: Pick<Tracer, "begin">;
}

/**
 * A trace id joins a chain only if the gateway handed that trace to the agent whose credentials the caller shows. Anything else
 * starts a new chain: a caller who could choose its id could speak in another's. The id of a new chain and its trace is the id of the
 * request that starts it, so that what a caller reads in `x-request-id` leads to all that the request set off.
 */
export function createChains({ store, agentClients, tracer }: ChainsOptions): Chains {
  const start = (id: string, principal: Principal): Joined => {
    const trace = tracer.begin({}, id);
    return { chain: { id: trace.traceId, depth: 0, root: principal.id, path: [] }, trace };
  };
  return {
    resolve({ id, request }, principal) {
      if (principal.client === "" || !agentClients.has(principal.client)) return start(id, principal);
      if (request.headers["traceparent"] === undefined) return start(id, principal);
      const trace = tracer.begin(request.headers, id);
      return store.get<Handoff>(collection, `${trace.traceId}:${principal.client}`).then((record) => {
        if (record === undefined) return start(id, principal);
        const { agent, root, depth, path } = record.value;
        return { chain: { id: trace.traceId, depth: depth + 1, root, path: [...path, agent] }, trace };
      });
    },
    async handTo(exchange, agent, client) {
      const { id, root, depth, path } = exchange.chain;
      const handoff: Handoff = { agent, root, depth, path };
      await store.put(collection, `${id}:${client}`, handoff, { ttlMs: handoffTtlMs });
    },
  };
}
