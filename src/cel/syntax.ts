import type { ParseResult } from "@marcbachmann/cel-js";

/** What we read of the library's syntax tree, which it declares opaque; the library's version is pinned. */
export interface SyntaxNode {
  /** The operator: `.`, `[]`, `id`, `value`, `call`, `rcall`, `list`, `map`, or an operator sign. */
  readonly op: string;
  readonly args: unknown;
  /** Where its own sign or name stands; the left end of `a.b` is that of `a`. */
  readonly pos: number;
  /** Set by the type checker. */
  readonly checkedType?: { readonly name: string };
}

export const syntaxOf = (parsed: ParseResult): SyntaxNode => parsed.ast;

const isNode = (value: unknown): value is SyntaxNode => typeof value === "object" && value !== null && "op" in value;

function collect(value: unknown, into: SyntaxNode[]): void {
  if (isNode(value)) into.push(value);
  else if (Array.isArray(value)) for (const item of value) collect(item, into);
}

/** The nodes directly below one, in the order of the text; macros such as `exists` as they were written. */
export function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  const children: SyntaxNode[] = [];
  if (node.op !== "value" && node.op !== "id") collect(node.args, children);
  return children;
}

/** `a.b`, and `a["b"]`: the left side and the literal name, undefined when the name is computed. */
export function accessOf(node: SyntaxNode): { readonly of: SyntaxNode; readonly name: string | undefined } | undefined {
  if (node.op !== "." && node.op !== ".?" && node.op !== "[]" && node.op !== "[?]") return undefined;
  const [of, key] = node.args as [SyntaxNode, string | SyntaxNode];
  if (typeof key === "string") return { of, name: key };
  return { of, name: key.op === "value" && typeof key.args === "string" ? key.args : undefined };
}

/** `f(a)` and `r.f(a)`. */
export function callOf(
  node: SyntaxNode,
):
  | { readonly name: string; readonly receiver: SyntaxNode | undefined; readonly args: readonly SyntaxNode[] }
  | undefined {
  if (node.op === "call") {
    const [name, args] = node.args as [string, readonly SyntaxNode[]];
    return { name, receiver: undefined, args };
  }
  if (node.op === "rcall") {
    const [name, receiver, args] = node.args as [string, SyntaxNode, readonly SyntaxNode[]];
    return { name, receiver, args };
  }
  return undefined;
}
