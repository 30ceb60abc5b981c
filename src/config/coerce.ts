import { isScalar } from "yaml";
import type { z } from "zod";
import type { ConfigPath } from "../core/config-problem.ts";
import type { Issue } from "./issues.ts";
import type { Substituted } from "./substitute.ts";
import type { YamlSource } from "./yaml-source.ts";

function toExpected(text: string, expected: string): number | boolean | undefined {
  if (expected === "boolean") return text === "true" ? true : text === "false" ? false : undefined;
  if (expected !== "number" && expected !== "int") return undefined;
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

/**
 * Turns references that are the whole of a value into the number or boolean the schema wants there: what an environment variable
 * or a file gives is always text. True when anything changed.
 */
function coerceReferences(
  issues: readonly Issue[],
  source: YamlSource,
  scalars: Substituted["scalars"],
  outer: ConfigPath = [],
): boolean {
  let changed = false;
  for (const issue of issues) {
    const path = [...outer, ...issue.path.map((part) => (typeof part === "number" ? part : String(part)))];
    if (issue.code === "invalid_union") {
      for (const form of issue.errors) changed = coerceReferences(form, source, scalars, path) || changed;
    }
    if (issue.code !== "invalid_type") continue;
    const node = source.nodeAt(path);
    if (!isScalar(node) || typeof node.value !== "string" || scalars.get(node) !== true) continue;
    const value = toExpected(node.value, issue.expected);
    if (value === undefined) continue;
    node.value = value;
    changed = true;
  }
  return changed;
}

/** Fits what the document says to the schema; a reference that stands for a number or a boolean becomes one. */
export function fitTo<S extends z.ZodType>(schema: S, source: YamlSource, scalars: Substituted["scalars"]) {
  const first = schema.safeParse(source.value());
  return first.success || !coerceReferences(first.error.issues, source, scalars)
    ? first
    : schema.safeParse(source.value());
}
