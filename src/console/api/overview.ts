/** Of what a number tells. */
export interface Scope {
  /** Names the process that answers; counts that are kept in memory are its own. */
  readonly process: string;
  /** Since when it counts. */
  readonly sinceMs: number;
}

export type OverviewWindow = "15m" | "1h" | "24h";

/** Operations of one stretch of time that policy judges: calls of tools, agents and models. Handshakes and lists are not counted. */
export interface Counts {
  readonly calls: number;
  readonly ok: number;
  /** Refused by policy or for want of a scope. */
  readonly denied: number;
  /** Refused for want of budget or by a rate limit. */
  readonly limited: number;
  readonly failed: number;
  /** Left by their callers, or ended by a drain. */
  readonly aborted: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanos: number;
  /** Answers out of the cache. */
  readonly cacheHits: number;
  readonly byProtocol: Readonly<Record<string, number>>;
}

/** Milliseconds within which that share of the calls that were let through had ended, a tenth off at most; null where there was none. */
export interface Latency {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

export interface Bucket extends Counts {
  readonly startMs: number;
  readonly latency: Latency;
}

/** What is in no line of a list of the busiest. */
export type Others = Omit<Top, "name">;

/** One name of a list of the busiest: at least so much, where there are more than 100 names. */
export interface Top {
  readonly name: string;
  readonly calls: number;
  readonly failed: number;
  readonly tokens: number;
  readonly costNanos: number;
}

export interface Overview extends Scope {
  readonly window: OverviewWindow;
  readonly nowMs: number;
  readonly bucketMs: number;
  /** Oldest first, without a gap: a quiet bucket is there, and so are those before the process began. */
  readonly buckets: readonly Bucket[];
  readonly totals: Counts & { readonly latency: Latency };
  readonly inFlight: number;
  readonly budgets: readonly BudgetState[];
  readonly tops: {
    readonly models: readonly Top[];
    readonly tenants: readonly Top[];
    /** By the rule that denied; `calls` is how often. */
    readonly denials: readonly Top[];
    /** Tools, agents and models that failed, those that failed most first. */
    readonly failing: readonly Top[];
    /** Of each list the sum of what is in no line of it. */
    readonly others: Readonly<Record<"models" | "tenants" | "denials" | "failing", Others>>;
  };
}

export type BudgetUnit = "tokens" | "calls" | "nanodollars";

/** One budget, and how full its counters are. */
export interface BudgetState {
  readonly name: string;
  readonly mode: "enforce" | "shadow";
  readonly onExhausted: "reject" | "fallback" | "queue";
  /** As it is written: a word or CEL; absent: one counter for all. */
  readonly per?: string;
  readonly where?: string;
  readonly counters: readonly BudgetCounter[];
  /** Counters that are not in the list: the fullest come first. */
  readonly more: number;
}

export interface BudgetCounter {
  /** Whose it is, such as a principal's id; empty where all share it. */
  readonly key: string;
  /** As it was written, such as `$20/day`. */
  readonly limit: string;
  readonly unit: BudgetUnit;
  readonly amount: number;
  /** Spent, reserved and owed. */
  readonly used: number;
  /** 1: used up. */
  readonly share: number;
  readonly startsAtMs: number | null;
  /** When it is filled up again; null: never. */
  readonly endsAtMs: number | null;
  /** How much went each minute: on average of the window so far, or in the last minutes where that is more; null where there is no window. */
  readonly perMinute: number | null;
  /** When it is used up if it goes on so; null: not before it is filled up again. */
  readonly exhaustedAtMs: number | null;
}

/** What was counted since the tick before, of this process. The first one has what was counted in the last second. */
export interface Tick extends Counts {
  readonly nowMs: number;
  readonly elapsedMs: number;
  readonly inFlight: number;
  readonly latency: Latency;
  /** The counters that moved or are nearly used up, at most 20. */
  readonly budgets: readonly {
    readonly name: string;
    readonly key: string;
    readonly limit: string;
    readonly share: number;
  }[];
}

export interface End {
  /** `session`: sign in again; `stopping`: come back in a moment. */
  readonly reason: "session" | "stopping";
}
