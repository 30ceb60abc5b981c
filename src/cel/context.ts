import type { Chain } from "../core/chain.ts";
import type { CanonicalRequest } from "../core/exchange.ts";
import type { OperationVariables } from "../core/operation.ts";
import type { Principal } from "../core/principal.ts";
import { type Reading, type Remaining, RequestView, type TakenRoute, type View, views } from "./views.ts";

/** What expressions may read. Only the variables an expression was compiled with need to be there. */
export interface ContextSource {
  readonly principal?: Principal;
  readonly request?: CanonicalRequest;
  /** The route that the request takes. */
  readonly route?: TakenRoute | undefined;
  /** The tenant that the call is for; absent: none. */
  readonly tenant?: string | undefined;
  readonly chain?: Chain;
  readonly variables?: OperationVariables;
  /** Stands in front of `variables`, branch by branch: what a candidate says of itself. */
  readonly override?: OperationVariables | undefined;
  /** What is left of budgets; absent: all of them. */
  readonly remaining?: Remaining | undefined;
  /** Whether an item of a list is judged: then what only a call has is CALL_ONLY. */
  readonly listing?: boolean;
}

/** The variables of one evaluation or of many over the same operation. Getters on the prototype: what no rule reads costs nothing. */
export class Context implements Reading {
  readonly listing: boolean;
  callOnly = false;
  readonly #source: ContextSource;
  #principal: View | undefined;
  #request: View | undefined;
  #chain: View | undefined;
  #budget: View | undefined;
  #operation: View | undefined;

  constructor(source: ContextSource) {
    this.#source = source;
    this.listing = source.listing === true;
  }

  get principal(): View {
    return (this.#principal ??= new views.principal(this.#source.principal, this));
  }
  get request(): View {
    return (this.#request ??= new RequestView(this.#source.request, this, this.#source.route, this.#source.tenant));
  }
  get chain(): View {
    return (this.#chain ??= new views.chain(this.#source.chain, this));
  }
  /* One operation has one protocol, so one slot serves the three. */
  get mcp(): View {
    return (this.#operation ??= new views.mcp(this.#source.override?.mcp ?? this.#source.variables?.mcp, this));
  }
  get a2a(): View {
    return (this.#operation ??= new views.a2a(this.#source.override?.a2a ?? this.#source.variables?.a2a, this));
  }
  get llm(): View {
    return (this.#operation ??= new views.llm(this.#source.override?.llm ?? this.#source.variables?.llm, this));
  }
  get budget(): View {
    return (this.#budget ??= new views.budget(this.#source.remaining, this));
  }
}
