import { nearest } from "../core/nearest.ts";
import { ExpressionError } from "./expression-error.ts";
import { patternFault } from "./pattern.ts";
import { accessOf, callOf, childrenOf, type SyntaxNode } from "./syntax.ts";
import { fieldsOf, isShape, type ShapeName, variables } from "./variables.ts";
import { vetComparison } from "./vet-comparison.ts";

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

/** What an expression may ask for of the meaning of a call, and what its labels may be. */
export interface Meanings {
  /** Labels with examples, for `llm.similarity`. */
  readonly examples: readonly string[];
  /** Classifiers, for `llm.class` and `llm.classScore`, each with its labels where they are known. */
  readonly classifiers: Readonly<Record<string, readonly string[] | undefined>>;
}

/** One thing that has to be found out before an expression is asked. */
export interface Asked {
  readonly kind: "similarity" | "class";
  /** The label, or the classifier. */
  readonly name: string;
}

const askers: ReadonlySet<string> = new Set(["similarity", "class", "classScore"]);

function namedOf(node: SyntaxNode | undefined, of: string, source: string, at: SyntaxNode): string {
  if (node?.op === "value" && typeof node.args === "string") return node.args;
  throw new ExpressionError(`the ${of} must be written out: it is found out beforehand`, source, (node ?? at).pos);
}

function checkNamed(name: string, known: readonly string[], what: string, source: string, node: SyntaxNode): void {
  if (known.includes(name)) return;
  const near = didYouMean(nearest(name, known)) || (known.length > 0 ? `; there is ${known.join(", ")}` : "");
  throw new ExpressionError(`${what} ${JSON.stringify(name)}${near}`, source, node.pos);
}

function vetAsker(node: SyntaxNode, source: string, meanings: Meanings | undefined): Asked | undefined {
  const call = callOf(node);
  if (call?.receiver === undefined || !askers.has(call.name) || shapeOf(call.receiver) !== "llm") return undefined;
  if (meanings === undefined) {
    const told = `llm.${call.name} is known only to the rules of virtual models, under \`choose\``;
    throw new ExpressionError(told, source, node.pos);
  }
  const [first, second] = call.args;
  const { examples, classifiers } = meanings;
  if (call.name === "similarity") {
    const label = namedOf(first, "label", source, node);
    checkNamed(label, examples, "`routing.examples` has no label", source, first ?? node);
    return { kind: "similarity", name: label };
  }
  const name = namedOf(first, "classifier", source, node);
  checkNamed(name, Object.keys(classifiers), "`routing.classifiers` has no", source, first ?? node);
  const labels = classifiers[name];
  if (call.name === "classScore" && labels !== undefined) {
    const label = namedOf(second, "label", source, node);
    checkNamed(label, labels, `the classifier ${name} has no label`, source, second ?? node);
  }
  return { kind: "class", name };
}

/** The pattern of a call of matches(). */
export function patternOf(node: SyntaxNode): SyntaxNode | undefined {
  const call = callOf(node);
  return call?.name === "matches" ? call.args[0] : undefined;
}

function vetCall(node: SyntaxNode, source: string): void {
  const pattern = patternOf(node);
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

/**
 * Refuses what the type checker lets pass: unsafe or computed patterns, prototype names, computed fields, labels that there are not,
 * shares that are none. Gives
 * what has to be found out before the expression is asked.
 */
export function vet(node: SyntaxNode, source: string, meanings?: Meanings): readonly Asked[] {
  vetAccess(node, source);
  vetCall(node, source);
  vetComparison(node, source, (classifier) => meanings?.classifiers[classifier]);
  const asked = vetAsker(node, source, meanings);
  const below = childrenOf(node).flatMap((child) => vet(child, source, meanings));
  return asked === undefined ? below : [asked, ...below];
}

/** What is wrong with a variable that the expression may not use here, with the nearest name that it may. */
export function unknownVariable(name: string, allowed: readonly string[]): string {
  if (Object.hasOwn(variables, name)) {
    const { on } = variables[name as keyof typeof variables];
    // Rules of policies alone may read `budget`, and they alone have an `on`.
    const where =
      on.length === 1 && allowed.includes("budget")
        ? `exists only where every operation is ${on[0]}: write \`on: ${on[0]}\``
        : "cannot be used here";
    return `${name} ${where}; usable here: ${allowed.join(", ")}`;
  }
  const near =
    nearest(name, allowed) ??
    allowed.map((root) => isShape(root) && Object.hasOwn(fieldsOf(root), name) && `${root}.${name}`).find(Boolean);
  return `there is no variable ${name}${near ? didYouMean(near) : `; usable here: ${allowed.join(", ")}`}`;
}
