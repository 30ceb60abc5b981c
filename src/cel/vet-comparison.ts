import { nearest } from "../core/nearest.ts";
import { ExpressionError } from "./expression-error.ts";
import { accessOf, callOf, type SyntaxNode } from "./syntax.ts";

/* Comparisons that never hold, or always do: somebody meant something else. */

const orders: ReadonlySet<string> = new Set(["<", "<=", ">", ">=", "==", "!="]);
const shares: ReadonlySet<string> = new Set(["llm.similarity", "llm.classScore", "budget.remaining"]);

/** Refuses a share compared with a number that is none, such as `llm.complexity > 60`, and a class compared with a label that its classifier does not have. */
export function vetComparison(
  node: SyntaxNode,
  source: string,
  labelsOf: (classifier: string) => readonly string[] | undefined,
): void {
  if (!orders.has(node.op) && node.op !== "in") return;
  const [left, right] = node.args as readonly SyntaxNode[];
  if (left === undefined || right === undefined) return;
  for (const [side, other] of [
    [left, right],
    [right, left],
  ] as const) {
    const name = nameOf(side);
    if (name !== undefined && node.op !== "in") vetShare(name, other, source);
    if (name === "llm.class") vetLabels(side, other, source, labelsOf);
  }
}

/* `llm.complexity`, `llm.signals.code`, `llm.class` of `llm.class("topic")`. */
function nameOf(node: SyntaxNode): string | undefined {
  const call = callOf(node);
  const [of, name] = call === undefined ? [accessOf(node)?.of, accessOf(node)?.name] : [call.receiver, call.name];
  const shape = of?.checkedType?.name;
  return shape === undefined || name === undefined ? undefined : `${shape}.${name}`;
}

function vetShare(name: string, other: SyntaxNode, source: string): void {
  if (name !== "llm.complexity" && !name.startsWith("llm.signals.") && !shares.has(name)) return;
  const { op, args } = other;
  if (op !== "value" || (typeof args !== "number" && typeof args !== "bigint")) return;
  if (args < 0 || args > 1) throw new ExpressionError(`${name} is from 0 to 1, and this is ${args}`, source, other.pos);
}

function vetLabels(
  side: SyntaxNode,
  other: SyntaxNode,
  source: string,
  labelsOf: (classifier: string) => readonly string[] | undefined,
): void {
  const classifier = callOf(side)?.args[0]?.args;
  const known = typeof classifier === "string" ? labelsOf(classifier) : undefined;
  if (known === undefined) return;
  const written = other.op === "list" ? (other.args as readonly SyntaxNode[]) : [other];
  for (const { op, args, pos } of written) {
    if (op !== "value" || typeof args !== "string" || known.includes(args)) continue;
    const near = nearest(args, known);
    const help = near === undefined ? `; there is ${known.join(", ")}` : `; did you mean ${near}?`;
    throw new ExpressionError(
      `the classifier ${String(classifier)} has no label ${JSON.stringify(args)}${help}`,
      source,
      pos,
    );
  }
}
