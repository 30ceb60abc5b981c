import type { Chain } from "../core/chain.ts";
import type { CanonicalRequest, Exchange, TraceContext } from "../core/exchange.ts";
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
  resolve(request: CanonicalRequest, principal: Principal): Joined | Promise<Joined>;
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
 * starts a new chain under a new trace id: a caller who could choose the id could speak in another's chain.
 */
export function createChains({ store, agentClients, tracer }: ChainsOptions): Chains {
  const start = (principal: Principal): Joined => {
    const trace = tracer.begin({});
    return { chain: { id: trace.traceId, depth: 0, root: principal.id, path: [] }, trace };
  };
  return {
    resolve(request, principal) {
      if (principal.client === "" || !agentClients.has(principal.client)) return start(principal);
      if (request.headers["traceparent"] === undefined) return start(principal);
      const trace = tracer.begin(request.headers);
      return store.get<Handoff>(collection, `${trace.traceId}:${principal.client}`).then((record) => {
        if (record === undefined) return start(principal);
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
