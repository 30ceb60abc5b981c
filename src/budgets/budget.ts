import { setBounded } from "../core/bounded-map.ts";
import type { Exchange, Route } from "../core/exchange.ts";
import type { Candidate, Operation } from "../core/operation.ts";
import type { Principal } from "../core/principal.ts";
import { tenantOf } from "../core/tenant.ts";
import { Context } from "../cel/context.ts";
import type { BudgetConfig, PerWord } from "./config.ts";
import type { Term } from "./ledger/counter.ts";
import { compileForProtocols } from "../cel/compile-for-protocols.ts";
import { counterNameOf, type Limit } from "./limit.ts";
import type { Readings } from "./pace.ts";
import { countedNameOf } from "./runaway/target-names.ts";

/** A limit as it holds for one call: the counter, and what was written. */
export interface Line {
  /** Whose counter it is; empty where all share it, and of a limit per chain, whose call says which. */
  readonly key: string;
  /** How it stood when it was last looked at: spent, reserved and owed, and when its window ends. */
  seen: { readonly used: number; readonly endsMs: number } | undefined;
  /** How it stood a few minutes ago. */
  readings: Readings | undefined;
  readonly budget: BudgetConfig;
  readonly limit: Limit;
  readonly term: Term;
}

/** Whether a call counts in budgets and reports: handshakes and lists do not, nor does asking after a task that runs already. */
export const isCounted = ({ judged, own, target }: Operation): boolean =>
  (judged || own !== undefined) && target.kind !== "task";

/** Whether a line is one for calls of the gateway's own: they cost tokens and money, and are no calls that anyone has made. */
export const countsOwn = ({ limit: { thing } }: Line): boolean => thing !== "requests" && thing !== "concurrent";

/** Whether the store must be there for this line: one in shadow mode refuses nothing. */
export const needsStore = ({ budget: { mode, onStoreFailure } }: Line): boolean =>
  mode === "enforce" && onStoreFailure === "closed";

/** What a budget looks at to know whether it holds for a call, and under which key. */
export interface Asked {
  readonly exchange: Pick<Exchange, "principal" | "request" | "chain"> & {
    readonly route?: Pick<Route, "path" | "tenant">;
  };
  readonly operation: Operation;
  readonly candidate: Candidate | undefined;
}

/** A budget with its expressions compiled. */
export interface Budget {
  readonly config: BudgetConfig;
  /**
   * The lines that hold for a call to the context's candidate; none when the budget does not hold for it. `lone`: no other call, and
   * no other attempt, can be part of the chain.
   */
  linesOf(asked: Asked, lone?: boolean): readonly Line[];
  /** The counters that this process has asked for of late, by their keys; the one of a budget that all share always. */
  counters(): Iterable<readonly [key: string, lines: readonly Line[]]>;
}

/* A chain may wait for a person over a weekend; what it used is forgotten a week after its last call. */
const CHAIN_IDLE_MS = 7 * 86_400_000;
/* Most chains are one request and what comes back while it lasts: an agent was handed none of them. */
const REQUEST_IDLE_MS = 3_600_000;
/* The limit of a counter in shadow mode: it counts and never refuses. The real one is compared beside it. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;
/* Lines are made once for each key; who has not called for longest is forgotten first. */
const MOST_KEYS = 10_000;

type KeyOf = (context: Asked) => string;

const isModel = ({ protocol }: Operation): boolean => protocol === "llm";

/* Only a tenant's own counters share the tenant's place in a cluster. A key that several tenants may share lies where all do. */
const keys: Readonly<Record<PerWord, { readonly of: KeyOf; readonly tenant: boolean }>> = {
  tenant: { of: ({ exchange, operation }) => tenantOf(exchange, operation), tenant: true },
  principal: { of: ({ exchange }) => exchange.principal.id, tenant: true },
  client: { of: ({ exchange }) => exchange.principal.client, tenant: false },
  chain: { of: ({ exchange }) => exchange.chain.id, tenant: false },
  model: { of: ({ operation, candidate }) => (isModel(operation) ? (candidate?.name ?? "") : ""), tenant: false },
  tool: { of: ({ operation }) => (isModel(operation) ? "" : countedNameOf(operation.target)), tenant: false },
};

const isWord = (per: string | undefined): per is PerWord => per !== undefined && Object.hasOwn(keys, per);

const celContext = ({ exchange, operation, candidate }: Asked): Context =>
  new Context({
    principal: exchange.principal,
    request: exchange.request,
    route: exchange.route,
    tenant: tenantOf(exchange, operation),
    chain: exchange.chain,
    variables: operation.variables,
    override: candidate?.variables,
  });

/** Throws ExpressionError when `where` or `per` is no expression that can be kept. */
export function compileBudget(config: BudgetConfig): Budget {
  const where = config.where === undefined ? undefined : compileForProtocols(config.where, "bool");
  const known = isWord(config.per) ? keys[config.per] : undefined;
  const per = config.per === undefined || known !== undefined ? undefined : compileForProtocols(config.per, "string");
  const linesByKey = new Map<string, readonly Line[]>();
  const onByLimit = config.limits.some(({ on }) => on !== undefined);

  function keyOf(context: Asked): { readonly key: string; readonly group: string } | undefined {
    if (known !== undefined) {
      const key = known.of(context);
      return key === ""
        ? undefined
        : { key, group: known.tenant ? `t:${tenantOf(context.exchange, context.operation)}` : "" };
    }
    if (per === undefined) return { key: "", group: "" };
    const key = per.get(context.operation.protocol)?.evaluate(celContext(context));
    return key === undefined ? undefined : { key, group: "" };
  }

  const idleMsOf = ({ operation: { protocol }, exchange: { chain } }: Asked): number | undefined => {
    if (config.per !== "chain") return undefined;
    return chain.alone && protocol !== "a2a" ? REQUEST_IDLE_MS : CHAIN_IDLE_MS;
  };

  function toLine(limit: Limit, key: string, group: string, idleMs: number | undefined): Line {
    const term: Term = {
      key: `${config.name}\0${counterNameOf(limit)}\0${key}`,
      group,
      window: limit.window,
      limit: config.mode === "shadow" ? NO_LIMIT : limit.amount,
      idleMs,
    };
    return {
      key: config.per === "chain" ? "" : key,
      seen: undefined,
      readings: undefined,
      budget: config,
      limit,
      term,
    };
  }

  /* Most chains are one call: nothing of them is kept. */
  const loneTerms = config.limits.map((limit): Term => ({
    key: "",
    group: "",
    window: limit.window,
    limit: config.mode === "shadow" ? NO_LIMIT : limit.amount,
    idleMs: undefined,
    lone: true,
  }));
  const loneLine = (limit: Limit, at: number): Line => ({
    key: "",
    seen: undefined,
    readings: undefined,
    budget: config,
    limit,
    term: loneTerms[at]!,
  });

  function lines(context: Asked, key: string, group: string): readonly Line[] {
    const found = linesByKey.get(key);
    /* A principal's id is its own, but tenants may share one: the last one asked for is at hand. */
    if (found !== undefined && (found.length === 0 || found[0]!.term.group === group)) return found;
    const idleMs = idleMsOf(context);
    const made = config.limits.map((limit) => toLine(limit, key, group, idleMs));
    setBounded(linesByKey, key, made, MOST_KEYS);
    return made;
  }

  function linesFor(context: Asked, lone: boolean): readonly Line[] {
    if (where !== undefined) {
      const expression = where.get(context.operation.protocol);
      if (expression === undefined || !expression.evaluate(celContext(context))) return [];
    }
    if (lone && config.per === "chain") return config.limits.map(loneLine);
    const key = keyOf(context);
    return key === undefined ? [] : lines(context, key.key, key.group);
  }

  /* Where all depends on the caller alone, and the tenant, it is found out once for each: a credential that is remembered gives the same object. */
  const byCaller = perCaller.has(config.per) && [...(where?.values() ?? [])].every((each) => each.readsCallerAlone);
  const linesOfCaller = new WeakMap<Principal, { readonly tenant: string; readonly lines: readonly Line[] }>();

  function knownLinesFor(context: Asked): readonly Line[] {
    const { principal } = context.exchange;
    const tenant = tenantOf(context.exchange, context.operation);
    const known = linesOfCaller.get(principal);
    if (known?.tenant === tenant) return known.lines;
    const lines = linesFor(context, false);
    linesOfCaller.set(principal, { tenant, lines });
    return lines;
  }

  function allLinesFor(context: Asked, lone: boolean): readonly Line[] {
    try {
      return byCaller ? knownLinesFor(context) : linesFor(context, lone);
    } catch (error) {
      /* An expression that cannot be evaluated refuses the call, and this mode refuses nothing. */
      if (config.mode === "shadow") return [];
      throw error;
    }
  }

  return {
    config,
    linesOf(context, lone = false) {
      const all = allLinesFor(context, lone);
      return onByLimit ? all.filter(({ limit: { on } }) => on === undefined || isOn(context, on)) : all;
    },
    counters() {
      if (config.per === undefined && !linesByKey.has(""))
        linesByKey.set(
          "",
          config.limits.map((limit) => toLine(limit, "", "", undefined)),
        );
      return linesByKey;
    },
  };
}

const perCaller: ReadonlySet<string | undefined> = new Set([undefined, "tenant", "principal", "client"]);

function isOn({ operation: { protocol, target }, candidate }: Asked, on: string): boolean {
  return (
    candidate?.name === on || (protocol === "mcp" && (target.name === on || `${target.server}/${target.name}` === on))
  );
}
