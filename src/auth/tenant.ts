import { Context } from "../cel/context.ts";
import { compileExpression } from "../cel/expression.ts";
import type { Principal } from "../core/principal.ts";

/** `tenant:` of the configuration, CEL over `principal`, as a function that throws when the principal lacks what it reads. Throws ExpressionError for a bad expression. */
export function compileTenant(source: string): (principal: Principal) => string {
  const expression = compileExpression(source, { variables: ["principal"], result: "string" });
  return (principal) => expression.evaluate(new Context({ principal }));
}
