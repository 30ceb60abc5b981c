import { z } from "zod";
import { compileForProtocols } from "../cel/compile-for-protocols.ts";
import { Context } from "../cel/context.ts";
import { ExpressionError } from "../cel/expression-error.ts";
import { tenantOf } from "../core/tenant.ts";
import type { GuardScope } from "./guard.ts";

/** The option `where` of a guard, tried at load. */
export const where = z
  .string()
  .min(1)
  .superRefine((source, context) => {
    try {
      compileForProtocols(source, "bool");
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      context.addIssue({ code: "custom", message: error.message });
    }
  })
  .optional()
  .meta({
    description:
      "CEL over the caller and the operation: what it guards. Left out: everything. An error in it refuses the operation.",
    examples: ['request.route == "default/chat"', 'principal.tenant == "team-a"'],
  });

/** Whether a guard with this condition holds for an operation: not for one of a protocol without the variables that it reads. Throws what goes wrong. */
export function compileWhere(source: string): (scope: GuardScope) => boolean {
  const compiled = compileForProtocols(source, "bool");
  return (scope) => {
    const { operation, principal, chain, request, route } = scope;
    const expression = compiled.get(operation.protocol);
    const { variables } = operation;
    const tenant = tenantOf(scope, operation);
    return expression?.evaluate(new Context({ principal, request, route, tenant, chain, variables })) ?? false;
  };
}
