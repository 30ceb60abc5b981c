import { compileExpression, type Expression } from "./expression.ts";
import { type VariableName, variablesOn } from "./variables.ts";
import { type Protocol, protocols } from "../core/operation.ts";

/**
 * An expression over the caller and an operation, for each protocol whose variables it uses: what reads `llm` holds for model calls
 * alone. Throws ExpressionError when there is no such protocol.
 */
export function compileForProtocols<R extends "bool" | "string">(
  source: string,
  result: R,
): ReadonlyMap<Protocol, Expression<R>> {
  const compiled = new Map<Protocol, Expression<R>>();
  let failure: unknown;
  for (const protocol of protocols) {
    const variables = variablesOn([protocol]).filter((name): name is VariableName => name !== "budget");
    try {
      compiled.set(protocol, compileExpression(source, { variables, result }));
    } catch (error) {
      failure ??= error;
    }
  }
  if (compiled.size === 0) throw failure;
  return compiled;
}
