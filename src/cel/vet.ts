import { nearest } from "../core/nearest.ts";
import { ExpressionError } from "./expression-error.ts";
import { patternFault } from "./pattern.ts";
import { accessOf, callOf, childrenOf, type SyntaxNode } from "./syntax.ts";
import { fieldsOf, isShape, type ShapeName, variables } from "./variables.ts";

const loops = new Set(["all", "exists", "exists_one", "map", "filter", "bind"]);

/** Whether the expression can evaluate a part of itself more than once or on values it made itself. */
export function hasLoop(node: SyntaxNode): boolean {
  const call = callOf(node);
  return (call?.receiver !== undefined && loops.has(call.name)) || childrenOf(node).some(hasLoop);
}

/* The type checker leaves the arguments of has() unchecked, so paths are followed here from the variable on. */
function shapeOf(node: SyntaxNode): ShapeName | undefined {
  const checked = node.checkedType?.name;
  if (checked !== undefined) return isShape(checked) ? checked : undefined;
  const access = accessOf(node);
  const of = access === undefined ? undefined : shapeOf(access.of);
  const type = of === undefined || access?.name === undefined ? undefined : fieldsOf(of)[access.name]?.type;
  return type !== undefined && isShape(type) ? type : undefined;
}

function vetAccess(node: SyntaxNode, source: string): void {
  const access = accessOf(node);
  if (access === undefined) return;
  const { of, name } = access;
  if (name === "__proto__" || name === "constructor")
    throw new ExpressionError(`${name} cannot be read`, source, node.pos);
  const shape = shapeOf(of);
  if (shape === undefined) return;
  if (name === undefined) {
    throw new ExpressionError(
      `a field of ${shape} must be written out, such as ${shape}.${Object.keys(fieldsOf(shape))[0]}`,
      source,
      node.pos,
    );
  }
  if (!Object.hasOwn(fieldsOf(shape), name)) throw new ExpressionError(unknownField(shape, name), source, node.pos);
}

function vetCall(node: SyntaxNode, source: string): void {
  const call = callOf(node);
  if (call === undefined) return;
  if (call.name !== "matches") return;
  const pattern = call.args[0];
  if (pattern === undefined) return;
  if (pattern.op !== "value" || typeof pattern.args !== "string") {
    throw new ExpressionError(
      "the pattern of matches() must be written out: a computed one cannot be checked for hostile texts",
      source,
      pattern.pos,
    );
  }
  const fault = patternFault(pattern.args);
  if (fault !== undefined) throw new ExpressionError(fault, source, pattern.pos);
}

export const didYouMean = (word: string | undefined) => (word === undefined ? "" : `; did you mean ${word}?`);

/** What is wrong with a field a shape does not have, with the nearest it has. */
export function unknownField(shape: ShapeName, name: string): string {
  const near = nearest(name, Object.keys(fieldsOf(shape)));
  const fields = Object.keys(fieldsOf(shape)).join(", ");
  return `${shape} has no field ${name}${near === undefined ? `; it has ${fields}` : didYouMean(`${shape}.${near}`)}`;
}

/** Refuses what the type checker lets pass: unsafe or computed patterns, prototype names, computed fields. */
export function vet(node: SyntaxNode, source: string): void {
  vetAccess(node, source);
  vetCall(node, source);
  for (const child of childrenOf(node)) vet(child, source);
}

/** What is wrong with a variable that the expression may not use here, with the nearest name that it may. */
export function unknownVariable(name: string, allowed: readonly string[]): string {
  if (Object.hasOwn(variables, name)) {
    const { on } = variables[name as keyof typeof variables];
    const where =
      on.length === 1 ? `exists only where every operation is ${on[0]}: write \`on: ${on[0]}\`` : "cannot be used here";
    return `${name} ${where}; usable here: ${allowed.join(", ")}`;
  }
  const near =
    nearest(name, allowed) ??
    allowed.map((root) => isShape(root) && Object.hasOwn(fieldsOf(root), name) && `${root}.${name}`).find(Boolean);
  return `there is no variable ${name}${near ? didYouMean(near) : `; usable here: ${allowed.join(", ")}`}`;
}
