import type { BudgetUnit, Scope } from "./overview.ts";
import type { OperationRecord, Outcome } from "./chains.ts";

/** One recorded operation in words. */
export interface ExplainedOperation {
  readonly record: OperationRecord;
  /** One sentence: what happened and why. */
  readonly summary: string;
  /** In the order of the journey. */
  readonly steps: readonly ExplainedStep[];
  /** What could be done so that it would end otherwise; none where it went well. */
  readonly advice: readonly string[];
  /** The rule that decided, as it stands now. */
  readonly rule?: PolicyRule;
  /** Whether the rules in force are those that judged it. */
  readonly sameRules: boolean;
  /** Where a budget refused: who had used its counter up. */
  readonly usedBy?: CounterUse;
}

export interface ExplainedStep {
  readonly step:
    | "caller"
    | "policy"
    | "guards"
    | "budget"
    | "cache"
    | "routing"
    | "candidates"
    | "pick"
    | "upstream"
    | "cost"
    | "note";
  readonly verdict: "ok" | "refused" | "failed" | "info";
  readonly text: string;
}

/** Who used a counter in the window in which it refused a call: up to that call where the journal tells of all of it, else of all the window so far. */
export interface CounterUse {
  readonly budget: string;
  /** As it was written. */
  readonly limit: string;
  readonly key: string;
  readonly unit: BudgetUnit;
  readonly amount: number;
  /** When its window began; null: it has none. */
  readonly startsAtMs: number | null;
  /** What was taken by the calls that were counted, those of chains and callers in no line too. */
  readonly booked: number;
  readonly calls: number;
  /** Those that took most first, at most 10 of each. */
  readonly chains: readonly ChainUse[];
  readonly principals: readonly PrincipalUse[];
  /** Calls from then on are counted; null: there was none. */
  readonly coversSinceMs: number | null;
  /** Whether these are all calls of the window. */
  readonly complete: boolean;
  /** False: a line took at least what it says, and so did others that are not in the list. */
  readonly exact: boolean;
}

export interface PrincipalUse {
  readonly principal: string;
  readonly booked: number;
  /** Of the limit's amount. */
  readonly share: number;
  readonly calls: number;
}

export interface ChainUse extends PrincipalUse {
  readonly chainId: string;
  /** Of its calls the one that took most. */
  readonly dearest: {
    readonly operationId: string;
    readonly timeMs: number;
    readonly target: string;
    readonly booked: number;
  };
}

export interface Policies extends Scope {
  /** `open`: every caller with a credential may do everything. */
  readonly mode: "rules" | "open";
  readonly policyHash: string;
  readonly rules: readonly PolicyRule[];
  /** How often nothing allowed it. */
  readonly deniedByDefault: number;
}

export interface PolicyRule {
  readonly name: string;
  readonly effect: "allow" | "deny" | "require";
  readonly on: readonly string[];
  /** CEL. */
  readonly expression: string;
  /** File and line. */
  readonly source: string;
  readonly scopes: readonly string[];
  readonly shadow: boolean;
  readonly message?: string;
  /** Decisions of this process that it made. */
  readonly hits: { readonly allowed: number; readonly denied: number; readonly shadow: number };
}

/** A rule that is not in force. Exactly one of `allow`, `deny` and `require`, CEL. */
export interface TriedRule {
  readonly allow?: string;
  readonly deny?: string;
  readonly require?: string;
  /** The protocols it judges; all when left out. */
  readonly on?: readonly string[];
  readonly scopes?: readonly string[];
  /** How many of the newest calls on record: 1 to 5,000; 1,000 when left out. */
  readonly records?: number;
}

/**
 * What the rule would have done beside those in force. `allow`: a call that nothing allowed would pass; `deny` and `require`: a call
 * that passed would be refused. Where an expression asks for what the journal never keeps (what was said, arguments, headers, claims),
 * nobody can tell.
 */
export interface RuleTrial {
  /** How many records there were to try it on, at most `records`. */
  readonly of: number;
  /** On how many of them, the newest, it was tried: fewer where it took too long. */
  readonly tried: number;
  /** Those of them that such a rule judges. */
  readonly looked: number;
  /** The expression is true. */
  readonly matches: number;
  /** The expression fails, and the rule does what such a rule does then: an allow lets nothing pass, others refuse. */
  readonly failed: number;
  /** Why, the most frequent first, at most five. */
  readonly failures: readonly { readonly reason: string; readonly calls: number }[];
  readonly newlyAllowed: number;
  readonly newlyDenied: number;
  readonly unchanged: number;
  readonly undecidable: number;
  /** The newest that it would change or cannot tell, at most 200. */
  readonly cases: readonly TrialCase[];
  readonly coversSinceMs: number | null;
}

export interface TrialCase {
  readonly operationId: string;
  readonly chainId: string;
  readonly timeMs: number;
  readonly principal: string;
  readonly protocol: string;
  readonly method: string;
  readonly target: string;
  readonly outcome: Outcome;
  readonly would: "allow" | "deny" | "unknown";
  /** What the journal does not keep and the expression asks for. */
  readonly missing?: string;
  /** Why the expression fails. */
  readonly failed?: string;
}
