import { evaluationFault } from "../cel/expression.ts";
import type { Decision } from "../core/decision.ts";
import type { Protocol } from "../core/operation.ts";
import type { CompiledRule, Effect } from "./compile-rules.ts";
import { type Case, judge, type Verdict } from "./decide.ts";

/** What became of one rule. `call-only`: it needs what only a call has, and this is a list. */
export type RuleOutcome = Verdict | "not for this protocol";

export interface RuleExplanation {
  readonly rule: string;
  readonly effect: Effect;
  /** `policies/tools.yaml:4`. */
  readonly source: string;
  readonly expression: string;
  readonly outcome: RuleOutcome;
  /** Why, when the outcome is `error`. */
  readonly error?: string;
  /** Scopes of the rule that the caller lacks. */
  readonly missingScopes?: readonly string[];
  readonly shadow: boolean;
  /** Whether this rule made the decision. */
  readonly decided: boolean;
}

/** Every rule and which one decided: for people, never for callers. */
export interface Explanation {
  readonly decision: Decision;
  /** The decision in one sentence. */
  readonly why: string;
  readonly rules: readonly RuleExplanation[];
}

function explainRule(rule: CompiledRule, judged: Case, protocol: Protocol, decided: boolean): RuleExplanation {
  const { name, effect, place, expression, shadow } = rule;
  const base = { rule: name, effect, source: place, expression: expression.source, shadow, decided };
  if (!rule.on.includes(protocol)) return { ...base, outcome: "not for this protocol" };
  const outcome = judge(rule, judged);
  const missingScopes = rule.scopes.filter((scope) => !judged.principal.scopes.includes(scope));
  return {
    ...base,
    outcome,
    ...(outcome === "error" && { error: evaluationFault(judged.failure) }),
    ...(missingScopes.length > 0 && { missingScopes }),
  };
}

function whyOf(decision: Decision, rules: readonly RuleExplanation[]): string {
  const decisive = rules.find(({ decided }) => decided);
  if (decision.allow) {
    return decisive === undefined
      ? "needs only a principal"
      : `"${decision.rule}" allows it, no deny rule matches and every require rule holds`;
  }
  if (decisive === undefined) {
    const failed = rules.filter(
      ({ effect, outcome, shadow }) => effect === "allow" && outcome === "error" && !shadow,
    ).length;
    return `${decision.reason}${failed === 0 ? "" : `; ${failed} failed, and a failed allow is no match`}`;
  }
  if (decision.scopes !== undefined) return `"${decisive.rule}" wants ${decision.scopes.join(" ")}: ${decision.reason}`;
  if (decisive.outcome === "error")
    return `"${decisive.rule}" (${decisive.effect}) failed, and a failed ${decisive.effect} denies: ${decisive.error}`;
  const what = decisive.effect === "deny" ? "denies it" : "is required and does not hold";
  return `"${decisive.rule}" ${what}: ${decisive.expression}`;
}

/** Tells of every rule what it came to, and why the decision is what it is. */
export function explainCase(
  all: readonly CompiledRule[],
  judged: Case,
  decision: Decision,
  protocol: Protocol,
): Explanation {
  const rules = all.map((rule) => explainRule(rule, judged, protocol, rule.name === decision.rule && !rule.shadow));
  return { decision, why: whyOf(decision, rules), rules };
}
