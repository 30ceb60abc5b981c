import { Context } from "../../cel/context.ts";
import { compileExpression, evaluationFault, type Expression } from "../../cel/expression.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { LlmVariables } from "../../core/operation.ts";

/** The condition of a choice. Throws ExpressionError. */
export const compileChoice = (when: string): Expression<"bool"> =>
  compileExpression(when, { variables: ["principal", "request", "llm"], result: "bool" });

/** A rule of a choice, ready to be asked. */
export interface ChoiceRule {
  readonly when: Expression<"bool">;
  readonly use: string;
}

/** What was chosen. */
export interface Choice {
  readonly use: string;
  /** Which rule, counted from 1; undefined: none held. */
  readonly rule: number | undefined;
  /** Rules before it that failed, and how: names of the expression, never a value of the caller's. */
  readonly faults: readonly { readonly rule: number; readonly fault: string }[];
}

const noFaults: Choice["faults"] = [];

/** Asks the rules in their order. A rule that fails does not hold: no expression can make a call fail. */
export function choose(
  rules: readonly ChoiceRule[],
  otherwise: string,
  caller: Pick<Exchange, "principal" | "request">,
  llm: LlmVariables,
): Choice {
  const context = new Context({ principal: caller.principal, request: caller.request, variables: { llm } });
  let faults = noFaults;
  for (const [index, { when, use }] of rules.entries()) {
    const rule = index + 1;
    try {
      if (when.evaluate(context)) return { use, rule, faults };
    } catch (error) {
      faults = [...faults, { rule, fault: evaluationFault(error) }];
    }
  }
  return { use: otherwise, rule: undefined, faults };
}
