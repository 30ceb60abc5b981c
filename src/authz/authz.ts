import type { Decision } from "../core/decision.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Candidate, Operation } from "../core/operation.ts";

/** What policy reads of an exchange. */
export type Caller = Pick<Exchange, "principal" | "request" | "chain">;

/** What became of one rule. `call-only`: it needs what only a call has, and this is a list. */
export type RuleOutcome = "match" | "no match" | "error" | "call-only" | "not for this protocol" | "lifted by scopes";

export interface RuleExplanation {
  readonly rule: string;
  readonly effect: "allow" | "deny" | "require";
  /** `policies/tools.yaml:4`. */
  readonly source: string;
  readonly expression: string;
  readonly outcome: RuleOutcome;
  /** Why, when the outcome is `error`. */
  readonly error?: string;
  /** Scopes of the rule the caller lacks. */
  readonly missingScopes?: readonly string[];
  readonly shadow: boolean;
  readonly decided: boolean;
}

/** Every rule and which one decided: for people, never for callers. */
export interface Explanation {
  readonly decision: Decision;
  readonly why: string;
  readonly rules: readonly RuleExplanation[];
}

/** The policies of one config epoch. */
export interface Authz {
  /** SHA-256 of the rules, in hex; the journal records it with every decision. */
  readonly policyHash: string;
  /** The files the rules came from, absolute: what a reload watches. */
  readonly files: readonly string[];
  /** Judges one operation; for a candidate, with what it says of itself in place of the operation's variables. Never throws. */
  authorize(caller: Caller, operation: Operation, candidate?: Candidate): Decision;
  /** Whether a listed item may be seen: the rules of a call to it, with what only a call has left open. Never throws. */
  visible(caller: Caller, operation: Operation): boolean;
  /** The decision on a call, or on a listed item, rule by rule. */
  explain(caller: Caller, operation: Operation, options?: { readonly listing?: boolean; readonly candidate?: Candidate }): Explanation;
}
