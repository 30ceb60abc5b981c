import { hash } from "node:crypto";
import type { ChainAccounts } from "../budgets/chains/chain-accounts.ts";
import type { ChainTokens, Handoff } from "../budgets/chains/chain-token.ts";
import type { Exchange, TraceContext } from "../core/exchange.ts";
import type { Principal } from "../core/principal.ts";
import { parseTraceparent } from "../observability/trace-context.ts";
import type { Tracer } from "../observability/traces.ts";
import type { Store } from "../state/store.ts";
import { chainTokenHeader, shownToken } from "./chain-metadata.ts";
import { accountOf, LiveChain } from "./live-chain.ts";

const collection = "handoffs";
/* A task may run for hours before its agent calls back. */
const handoffTtlMs = 24 * 3_600_000;

export interface Joined {
  readonly chain: LiveChain;
  readonly trace: TraceContext;
}

/** What of an exchange says which chain it belongs to. */
export type Arrival = Pick<Exchange, "id" | "request" | "route" | "body">;

/** Which chain a request belongs to. */
export interface Chains {
  resolve(exchange: Arrival, principal: Principal): Joined | Promise<Joined>;
  /**
   * Notes that this exchange's chain is handed to an agent; await it before the agent can call back. Gives the token with which the
   * agent may go on with the chain where the trace context got lost.
   */
  handTo(exchange: Pick<Exchange, "chain">, agent: string, client: string): Promise<string>;
}

export interface ChainsOptions {
  readonly store: Store;
  readonly accounts: ChainAccounts;
  readonly tokens: ChainTokens;
  /** OAuth clients of the configured agents. */
  readonly agentClients: ReadonlySet<string>;
  readonly tracer: Pick<Tracer, "begin">;
}

/**
 * A caller joins a chain only if the gateway handed that chain to the agent whose credentials it shows: by the trace it was handed, or
 * by the token that went with the task. Anything else starts a chain of its own: a caller who could choose an id could speak in
 * another's. The id of a new chain and its trace is the id of the request that starts it, so that what a caller reads in
 * `x-request-id` leads to all that the request set off.
 *
 * A client that sends one trace id with several requests groups them into one run. The run's id is made of the caller and that trace
 * id together, so that nobody can get into the run of another.
 */
export function createChains({ store, accounts, tokens, agentClients, tracer }: ChainsOptions): Chains {
  const start = (id: string, principal: Principal): Joined => {
    const trace = tracer.begin({}, id);
    return { chain: new LiveChain(accounts.open(trace.traceId), principal.id, 0, []), trace };
  };

  const startOrGoOn = ({ id, request }: Arrival, principal: Principal): Joined => {
    const parent = parseTraceparent(request.headers["traceparent"]);
    /* All anonymous callers are one principal. */
    if (parent === undefined || principal.credential === "anonymous") return start(id, principal);
    const trace = tracer.begin({}, runId(principal, parent.traceId));
    return { chain: new LiveChain(accounts.shared(trace.traceId), principal.id, 0, []), trace };
  };

  async function join(trace: TraceContext, { agent, root, depth, path }: Handoff): Promise<Joined> {
    const account = await accounts.load(trace.traceId);
    return { chain: new LiveChain(account, root, depth + 1, [...path, agent]), trace };
  }

  async function resolveAgent(arrival: Arrival, principal: Principal): Promise<Joined> {
    const { id, request } = arrival;
    const { client } = principal;
    if (request.headers["traceparent"] !== undefined) {
      const trace = tracer.begin(request.headers, id);
      const record = await store.get<Handoff>(collection, keyOf(trace.traceId, client));
      if (record !== undefined) return join(trace, record.value);
    }
    const token = await shownToken(arrival);
    const handoff = token === undefined ? undefined : tokens.open(token, client);
    if (handoff !== undefined) return join(tracer.begin({}, handoff.chain), handoff);
    return startOrGoOn(arrival, principal);
  }

  return {
    resolve(arrival, principal) {
      if (principal.client === "" || !agentClients.has(principal.client)) return startOrGoOn(arrival, principal);
      const { headers } = arrival.request;
      /* No promise where none is needed. */
      const shows = headers["traceparent"] !== undefined || headers[chainTokenHeader] !== undefined;
      if (!shows && arrival.route.protocol !== "a2a") return start(arrival.id, principal);
      return resolveAgent(arrival, principal);
    },
    async handTo({ chain }, agent, client) {
      const { id, root, depth, path } = chain;
      const handoff: Handoff = { chain: id, client, agent, root, depth, path };
      await Promise.all([
        store.put(collection, keyOf(id, client), handoff, { ttlMs: handoffTtlMs }),
        accounts.share(accountOf(chain)),
      ]);
      return tokens.seal(handoff);
    },
  };
}

const keyOf = (chain: string, client: string): string => `${chain}:${client}`;

/** 128 bits of a digest, in the form of a trace id. */
function runId({ id, client, tenant }: Principal, traceId: string): string {
  return hash("sha256", JSON.stringify(["run", id, client, tenant, traceId])).slice(0, 32);
}
