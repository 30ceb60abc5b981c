import { Context, type ContextSource } from "../cel/context.ts";
import { evaluationFault } from "../cel/expression.ts";
import { type Decision, deny, type ShadowOutcome } from "../core/decision.ts";
import type { Exchange, Route } from "../core/exchange.ts";
import type { Principal } from "../core/principal.ts";
import type { CompiledRule, ProtocolRules } from "./compile-rules.ts";

/** What policy reads of an exchange. */
export type Caller = Pick<Exchange, "principal" | "request" | "chain"> & {
  readonly route?: Pick<Route, "path" | "ruleName" | "tags" | "tenant" | "configured">;
};

/** What an expression came to. `call-only`: it needs what only a call has, and an item of a list is judged. */
export type Verdict = "match" | "no match" | "error" | "call-only";

/** The judgement of one operation: its rules, its context and who asks. */
export interface Case {
  readonly rules: ProtocolRules;
  readonly context: Context;
  readonly principal: Principal;
  /** What the last failed evaluation threw. */
  failure: unknown;
}

export function createCase(rules: ProtocolRules, source: ContextSource & Pick<Caller, "principal">): Case {
  return { rules, context: new Context(source), principal: source.principal, failure: undefined };
}

/** Evaluates one rule's expression. Never throws; after `error` the case holds the failure. */
export function judge(rule: CompiledRule, judged: Case): Verdict {
  const known = rule.byCaller?.get(judged.principal);
  if (known !== undefined) return known ? "match" : "no match";
  try {
    const matches = rule.expression.evaluate(judged.context);
    rule.byCaller?.set(judged.principal, matches);
    return matches ? "match" : "no match";
  } catch (error) {
    if (judged.context.callOnly) return "call-only";
    judged.failure = error;
    return "error";
  }
}

/* Verdicts by effect. A deny stands unless it is known not to match; a require fails unless it is known to hold, or a call may make it
   hold; an allow counts when it matches, or when a call may make it match. */
const denies = (verdict: Verdict) => verdict === "match" || verdict === "error";
const holds = (verdict: Verdict) => verdict === "match" || verdict === "call-only";

const holdsScopes = (rule: CompiledRule, scopes: readonly string[]) =>
  rule.scopes.every((scope) => scopes.includes(scope));
const missing = (rule: CompiledRule, scopes: readonly string[]) =>
  rule.scopes.filter((scope) => !scopes.includes(scope)).length;

const reasonOf = (verdict: Verdict, what: string, judged: Case) =>
  verdict === "error" ? `the rule failed: ${evaluationFault(judged.failure)}` : `the rule ${what}`;

function refuse(rule: CompiledRule, reason: string, scopes?: readonly string[]): Decision {
  const decision = deny(rule.name, reason, scopes);
  return rule.message === undefined || decision.allow ? decision : { ...decision, message: rule.message };
}

/* Every scope the operation needs, in one challenge, held ones included: a client asks for exactly what a challenge names. */
function challenge(judged: Case, decisive: CompiledRule, allowing: CompiledRule): Decision {
  const { rules } = judged;
  const { scopes } = judged.principal;
  const needed = new Set(allowing.scopes);
  for (const rule of rules.require) for (const scope of rule.scopes) needed.add(scope);
  for (const rule of rules.deny) {
    if (rule.scopes.length > 0 && denies(judge(rule, judged))) for (const scope of rule.scopes) needed.add(scope);
  }
  const lacking = [...needed].filter((scope) => !scopes.includes(scope));
  return refuse(decisive, `the caller lacks the scope ${lacking.join(" ")}`, [...needed]);
}

/**
 * The one place where rules become a decision: it passes if an allow matches, no deny matches and every require holds.
 * A rule's scopes: an allow counts only for a caller who holds them, a deny only for one who does not, a require holds only with them.
 * Where nothing but scopes stands in the way, the denial names them all.
 */
export function decide(judged: Case): Decision {
  const { rules } = judged;
  const { scopes } = judged.principal;
  let stepUp: CompiledRule | undefined;
  for (const rule of rules.deny) {
    if (rule.scopes.length > 0 && holdsScopes(rule, scopes)) continue;
    const verdict = judge(rule, judged);
    if (!denies(verdict)) continue;
    if (rule.scopes.length === 0) return refuse(rule, reasonOf(verdict, "matched", judged));
    stepUp ??= rule;
  }
  for (const rule of rules.require) {
    const verdict = judge(rule, judged);
    if (!holds(verdict)) return refuse(rule, reasonOf(verdict, "did not hold", judged));
    if (!holdsScopes(rule, scopes)) stepUp ??= rule;
  }
  let nearest: CompiledRule | undefined;
  for (const rule of rules.allow) {
    if (nearest !== undefined && rule.scopes.length > 0 && missing(rule, scopes) >= missing(nearest, scopes)) continue;
    if (!holds(judge(rule, judged))) continue;
    nearest = rule;
    if (missing(rule, scopes) === 0) break;
  }
  if (nearest === undefined) return deny("default", "no allow rule matched");
  if (stepUp !== undefined) return challenge(judged, stepUp, nearest);
  return missing(nearest, scopes) === 0 ? { allow: true, rule: nearest.name } : challenge(judged, nearest, nearest);
}

/** What the shadow rules would have done: a deny that matches or fails, a require that does not hold, an allow that matches. */
export function shadowOutcomes(judged: Case): readonly ShadowOutcome[] {
  const { rules } = judged;
  const { scopes } = judged.principal;
  const outcomes: ShadowOutcome[] = [];
  for (const rule of rules.shadow) {
    const verdict = judge(rule, judged);
    const scoped = holdsScopes(rule, scopes);
    if (rule.effect === "allow") {
      if (verdict === "match" && scoped) outcomes.push({ rule: rule.name, would: "allow" });
    } else if (rule.effect === "deny") {
      if (denies(verdict) && (rule.scopes.length === 0 || !scoped)) outcomes.push({ rule: rule.name, would: "deny" });
    } else if (!holds(verdict) || !scoped) outcomes.push({ rule: rule.name, would: "deny" });
  }
  return outcomes;
}
