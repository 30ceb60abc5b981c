import { Context } from "../../cel/context.ts";
import { compileExpression, type Expression } from "../../cel/expression.ts";
import type { OperationContext } from "../../core/step.ts";
import { tenantOf } from "../../core/tenant.ts";

/** A rule of the configuration: what a call is worth beside others. */
export interface PriorityRule {
  readonly when: string;
  readonly is: number;
}

/** Throws ExpressionError for what is no expression about a call of a model. */
export const compilePriority = (source: string): Expression<"bool"> =>
  compileExpression(source, { variables: ["principal", "request", "llm", "chain"], result: "bool" });

/** Gives the priority of a call: that of the first rule that matches, and 0. A rule that fails does not match. */
export function createPriority(rules: readonly PriorityRule[]): (context: OperationContext) => number {
  if (rules.length === 0) return () => 0;
  const compiled = rules.map(({ when, is }) => ({ when: compilePriority(when), is }));
  return ({ exchange, operation, candidate }) => {
    const context = new Context({
      principal: exchange.principal,
      request: exchange.request,
      route: exchange.route,
      tenant: tenantOf(exchange),
      chain: exchange.chain,
      variables: operation.variables,
      override: candidate?.variables,
    });
    for (const { when, is } of compiled) {
      try {
        if (when.evaluate(context)) return is;
      } catch (error) {
        exchange.log.debug({ error, rule: when.source }, "a rule of a pool's priorities failed");
      }
    }
    return 0;
  };
}
