import type { BudgetUnit } from "./overview.ts";

/** `used`: what the counter that is asked for took. */
export type ChainSort = "newest" | "cost" | "calls" | "used";

/** The worst of its operations: denied, then limited, failed, aborted, ok. */
export type ChainOutcome = "denied" | "limited" | "failed" | "aborted" | "ok";

export interface ChainList {
  /** At most `limit` (1 to 500, 100 when left out). */
  readonly chains: readonly ChainRow[];
  /** How many meet the conditions, of those that were looked at. */
  readonly total: number;
  /** The `after` of the next page. */
  readonly next?: string;
  /** Records that were looked at reach back to here; older chains are found by their id alone. */
  readonly coversSinceMs: number | null;
  /** Whether that is all that the journal has. */
  readonly complete: boolean;
}

export interface ChainRow {
  readonly chainId: string;
  /** Who began it; null where its first records are gone. */
  readonly principal: string | null;
  readonly tenant: string;
  readonly beganAtMs: number;
  readonly durationMs: number;
  readonly operations: number;
  /** Those that policy judges. */
  readonly calls: number;
  readonly costNanos: number;
  readonly costIsPartial: boolean;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly outcome: ChainOutcome;
  readonly denied: number;
  readonly limited: number;
  readonly failed: number;
  /** What was asked first, and what else: names of tools, agents and models, at most eight. */
  readonly targets: readonly string[];
  /** Rules that denied calls of it, at most eight. */
  readonly rules: readonly string[];
  /** Budgets that refused calls of it, at most eight. */
  readonly budgets: readonly string[];
  /** Kinds of the errors that its calls failed with, at most eight. */
  readonly errors: readonly string[];
  /** What it took of the counter that is asked for (`charged`); absent where none is. */
  readonly used?: { readonly amount: number; readonly unit: BudgetUnit };
  /** Hand-offs at the deepest. */
  readonly depth: number;
}

/** A chain as one tree. */
export interface Chain {
  readonly chainId: string;
  readonly root?: string;
  readonly operations: number;
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  readonly costNanos: number;
  /** Whether the cost of an operation in it is unknown. */
  readonly costIsPartial: boolean;
  /** What tainted it first. */
  readonly taintedBy?: string;
  /** Whether all of its records are in the tree. */
  readonly complete: boolean;
  readonly children: readonly ChainNode[];
}

export interface ChainNode {
  readonly record: OperationRecord;
  /** Of this operation and all below it. */
  readonly costNanos: number;
  readonly costIsPartial: boolean;
  /** Oldest first. */
  readonly children: readonly ChainNode[];
}

export type Outcome = "ok" | "denied" | "failed" | "aborted" | "drained";

/** One operation, as the journal has it: names, counts and times, never what was said. */
export interface OperationRecord {
  readonly id: string;
  readonly operationId: string;
  readonly timeMs: number;
  /** `x-request-id` of the answer. */
  readonly requestId: string;
  readonly chainId: string;
  readonly depth: number;
  /** The agents the chain passed through, oldest first. */
  readonly path?: readonly string[];
  readonly route: string;
  readonly protocol: string;
  readonly method: string;
  readonly direction: string;
  readonly mode: string;
  /** The tenant it was counted for, where its principal has none. */
  readonly tenant?: string;
  readonly principal: {
    readonly id: string;
    readonly tenant: string;
    readonly client: string;
    readonly actors: readonly { readonly issuer: string; readonly subject: string }[];
    readonly groups?: readonly string[];
    readonly scopes?: readonly string[];
  };
  readonly target: { readonly kind: string; readonly name: string; readonly server: string };
  /** The one that answered, or was tried last. */
  readonly candidate?: string;
  /** Those that did not answer, in the order of trying. */
  readonly failed?: readonly { readonly name: string; readonly reason: string }[];
  readonly decision?: {
    readonly allow: boolean;
    readonly rule: string;
    readonly reason?: string;
    readonly shadow?: readonly { readonly rule: string; readonly would: "allow" | "deny" }[];
  };
  readonly policyHash: string;
  /** What else the steps had to say: cache, routing, guards, loops. */
  readonly notes?: readonly string[];
  readonly outcome: Outcome;
  /** The kind of the error, such as `budget_exhausted`. */
  readonly kind?: string;
  readonly upstreamStatus?: number;
  readonly durationMs: number;
  readonly firstByteMs?: number;
  readonly usage?: {
    readonly inputTokens?: number;
    readonly outputTokens?: number;
    readonly cachedInputTokens?: number;
    readonly cacheWriteTokens?: number;
    readonly reasoningTokens?: number;
  };
  readonly costNanos?: number;
  readonly picks?: readonly PickOfEndpoint[];
  /** The budgets it was charged in, a line for each limit. */
  readonly charges?: readonly Charge[];
  /** The budgets that had no room for it, for each candidate. */
  readonly refusals?: readonly BudgetRefusal[];
}

/** Why an endpoint of a pool was picked. */
export interface PickOfEndpoint {
  readonly pool: string;
  /** Host and port. */
  readonly picked: string;
  /** The scorers with their weights. */
  readonly by: Readonly<Record<string, number>>;
  /** Each endpoint in question: its scores in the order of `by`, or the filter that took it out. */
  readonly of: readonly (readonly [
    host: string,
    scores: readonly number[] | string,
    cachedTokens: number,
    requests: number,
  ])[];
}

/** In the unit of the limit. */
export interface Charge {
  readonly budget: string;
  readonly limit: string;
  /** Whose counter; empty where all share it, and of a limit per chain. */
  readonly key: string;
  readonly unit: BudgetUnit;
  /** Held while it ran. */
  readonly reserved: number;
  /** Taken in the end. */
  readonly booked: number;
}

export interface BudgetRefusal {
  readonly budget: string;
  readonly limit: string;
  /** Of a limit per chain, the chain. */
  readonly key: string;
  readonly unit: BudgetUnit;
  readonly amount: number;
  /** Of the amount, before this call. */
  readonly used: number;
  readonly needed: number;
  /** When its window began; absent: it has none. */
  readonly startsAtMs?: number;
  readonly resetsAtMs?: number;
}
