import { encodeHeaderValue } from "./classify.ts";
import { isObject } from "./message.ts";

/** One argument that is mirrored into a header: where it stands, and the header's name. */
export interface MirroredParam {
  readonly path: readonly string[];
  readonly header: string;
}

const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const PRIMITIVE = new Set(["string", "integer", "boolean"]);
const MAX_DEPTH = 32;

/**
 * The `x-mcp-header` annotations of an input schema (2026-07-28, streamable HTTP, "Custom Headers from Tool Parameters").
 * Undefined when one of them breaks the rules: such a tool must be left out of lists.
 */
export function mirroredParams(schema: unknown): readonly MirroredParam[] | undefined {
  const found: MirroredParam[] = [];
  const seen = new Set<string>();
  let reachable = 0;
  const walk = (node: unknown, path: readonly string[]): boolean => {
    if (!isObject(node) || path.length > MAX_DEPTH) return true;
    const annotation = node["x-mcp-header"];
    if (annotation !== undefined) {
      reachable += 1;
      if (typeof annotation !== "string" || !TOKEN.test(annotation) || path.length === 0) return false;
      if (!PRIMITIVE.has(String(node["type"])) || seen.has(annotation.toLowerCase())) return false;
      seen.add(annotation.toLowerCase());
      found.push({ path, header: `mcp-param-${annotation.toLowerCase()}` });
    }
    const properties = node["properties"];
    return !isObject(properties) || Object.entries(properties).every(([key, child]) => walk(child, [...path, key]));
  };
  if (!walk(schema, [])) return undefined;
  /* An annotation that `properties` alone does not reach makes the tool invalid. */
  return reachable === countAnnotations(schema, 0) ? found : undefined;
}

function countAnnotations(node: unknown, depth: number, isPropertyMap = false): number {
  if (typeof node !== "object" || node === null || depth > 2 * MAX_DEPTH) return 0;
  if (Array.isArray(node)) return node.reduce<number>((sum, child) => sum + countAnnotations(child, depth + 1), 0);
  let sum = 0;
  for (const [key, child] of Object.entries(node)) {
    if (key === "x-mcp-header" && !isPropertyMap) sum += 1;
    else if (key !== "default" && key !== "const" && key !== "enum" && key !== "examples")
      sum += countAnnotations(child, depth + 1, key === "properties" && !isPropertyMap);
  }
  return sum;
}

/** The headers that mirror these arguments. */
export function paramHeaders(params: readonly MirroredParam[], args: unknown): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { path, header } of params) {
    let value: unknown = args;
    for (const key of path) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
      headers[header] = encodeHeaderValue(String(value));
  }
  return headers;
}
