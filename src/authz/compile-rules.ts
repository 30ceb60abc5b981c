import { compileExpression, type Expression } from "../cel/expression.ts";
import { ExpressionError } from "../cel/expression-error.ts";
import { variablesOn } from "../cel/variables.ts";
import { type Protocol, protocols } from "../core/operation.ts";
import type { Principal } from "../core/principal.ts";
import { PolicyError, type PolicyProblem } from "./policy-error.ts";
import type { Placed } from "./policy-file.ts";
import type { Rule } from "./rule.ts";

export type Effect = "allow" | "deny" | "require";

export interface CompiledRule {
  readonly name: string;
  readonly effect: Effect;
  readonly on: readonly Protocol[];
  /** Empty: the rule asks for none. */
  readonly scopes: readonly string[];
  readonly shadow: boolean;
  readonly message: string | undefined;
  readonly expression: Expression<"bool">;
  /** What it came to for callers, where it depends on them alone: a credential that is remembered gives the same principal. */
  readonly byCaller: WeakMap<Principal, boolean> | undefined;
  readonly place: string;
}

/** The rules of one protocol, by what they do, in the order they were written. */
export interface ProtocolRules {
  readonly all: readonly CompiledRule[];
  readonly deny: readonly CompiledRule[];
  readonly require: readonly CompiledRule[];
  readonly allow: readonly CompiledRule[];
  readonly shadow: readonly CompiledRule[];
}

/* Gives the rule, or notes what is wrong with it. */
function compileRule({ value: rule, place }: Placed<Rule>, problems: PolicyProblem[]): CompiledRule[] {
  const effect: Effect = rule.allow !== undefined ? "allow" : rule.deny !== undefined ? "deny" : "require";
  const source = rule[effect] ?? "";
  const on = rule.on === undefined ? protocols : typeof rule.on === "string" ? [rule.on] : [...new Set(rule.on)];
  try {
    const expression = compileExpression(source, { variables: variablesOn(on), result: "bool" });
    const { name, scopes = [], message } = rule;
    const byCaller = expression.readsCallerAlone ? new WeakMap<Principal, boolean>() : undefined;
    return [{ name, effect, on, scopes, shadow: rule.mode === "shadow", message, expression, byCaller, place }];
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const { message, line, column, excerpt } = error;
    problems.push({ place, message: `rule "${rule.name}", ${effect} ${line}:${column}: ${message}`, excerpt });
    return [];
  }
}

/** Compiles every rule. Throws PolicyError with what is wrong in all of them. */
export function compileRules(rules: readonly Placed<Rule>[]): readonly CompiledRule[] {
  const problems: PolicyProblem[] = [];
  const compiled = rules.flatMap((rule) => compileRule(rule, problems));
  if (problems.length > 0) throw new PolicyError(problems);
  return compiled;
}

export function rulesOn(rules: readonly CompiledRule[], protocol: Protocol): ProtocolRules {
  const all = rules.filter((rule) => rule.on.includes(protocol));
  const deciding = (effect: Effect) => all.filter((rule) => rule.effect === effect && !rule.shadow);
  return {
    all,
    deny: deciding("deny"),
    require: deciding("require"),
    allow: deciding("allow"),
    shadow: all.filter((rule) => rule.shadow),
  };
}
