import type { ConfigPath } from "../core/config-problem.ts";
import type { JsonSchema } from "./json-schema.ts";

interface Branch {
  /** True, or the pattern of those texts that are secrets. */
  readonly "x-secret"?: unknown;
  readonly properties?: Readonly<Record<string, Branch>>;
  readonly additionalProperties?: Branch | boolean;
  readonly items?: Branch;
  readonly anyOf?: readonly Branch[];
  readonly oneOf?: readonly Branch[];
  readonly allOf?: readonly Branch[];
  readonly const?: unknown;
}

const isSecret = ({ "x-secret": mark }: Branch, value: unknown): boolean =>
  mark === true || (typeof mark === "string" && typeof value === "string" && new RegExp(mark).test(value));

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/* A variant whose constant differs from what is written, such as `provider: vllm`, is not the one that was meant. */
function isRuledOut({ properties = {} }: Branch, value: unknown): boolean {
  if (!isRecord(value)) return false;
  return Object.entries(properties).some(
    ([key, property]) => property.const !== undefined && Object.hasOwn(value, key) && value[key] !== property.const,
  );
}

function variants(branch: Branch, value: unknown): Branch[] {
  const inner = [...(branch.anyOf ?? []), ...(branch.oneOf ?? []), ...(branch.allOf ?? [])];
  const fitting = inner.filter((variant) => !isRuledOut(variant, value));
  return [branch, ...(fitting.length === 0 ? inner : fitting).flatMap((variant) => variants(variant, value))];
}

function below(branch: Branch, part: string | number): Branch | undefined {
  if (typeof part === "number") return branch.items;
  if (branch.properties !== undefined && Object.hasOwn(branch.properties, part)) return branch.properties[part];
  return typeof branch.additionalProperties === "object" ? branch.additionalProperties : undefined;
}

/** Every part of a JSON Schema that speaks about the value at `path`. */
function branchesAt(schema: JsonSchema, value: unknown, path: ConfigPath): Branch[] {
  let branches = variants(schema, value);
  let current = value;
  for (const part of path) {
    current = isRecord(current) && Object.hasOwn(current, part) ? current[part] : undefined;
    branches = branches.flatMap((branch) => {
      const next = below(branch, part);
      return next === undefined ? [] : variants(next, current);
    });
  }
  return branches;
}

/** The keys that may stand in the map at `path`. */
export function knownKeys(schema: JsonSchema, value: unknown, path: ConfigPath): string[] {
  return [...new Set(branchesAt(schema, value, path).flatMap((branch) => Object.keys(branch.properties ?? {})))];
}

/** The keys beside `key` in the map at `path` without which it could stand there: it belongs to a form that has none of them. */
export function ruledOutBy(schema: JsonSchema, value: unknown, path: ConfigPath, key: string): string[] {
  const forms = branchesAt(schema, value, path).flatMap(({ properties = {} }) =>
    Object.hasOwn(properties, key) ? [properties] : [],
  );
  const map = path.reduce<unknown>((each, part) => (isRecord(each) ? each[part] : undefined), value);
  if (forms.length === 0 || !isRecord(map)) return [];
  return Object.keys(map).filter((other) => forms.every((form) => !Object.hasOwn(form, other)));
}

/** Whether the value at `path` may be shown. What the schema does not know may be a secret under a misspelt name. */
export function mayShow(schema: JsonSchema, value: unknown, path: ConfigPath): "yes" | "secret" | "unknown" {
  let current = value;
  for (const [index, part] of path.entries()) {
    const branches = branchesAt(schema, value, path.slice(0, index + 1));
    current = isRecord(current) ? current[part] : undefined;
    if (branches.length === 0) return "unknown";
    if (branches.some((branch) => isSecret(branch, current))) return "secret";
  }
  return "yes";
}

const withSecrets = new WeakMap<Branch, boolean>();

/* Whether a secret may stand anywhere below: most of what a large configuration holds need not be looked through then. */
function mayHoldSecrets(branch: Branch): boolean {
  const known = withSecrets.get(branch);
  if (known !== undefined) return known;
  const inner = [
    ...Object.values(branch.properties ?? {}),
    ...(typeof branch.additionalProperties === "object" ? [branch.additionalProperties] : []),
    ...(branch.items === undefined ? [] : [branch.items]),
    ...(branch.anyOf ?? []),
    ...(branch.oneOf ?? []),
    ...(branch.allOf ?? []),
  ];
  const found = branch["x-secret"] !== undefined || inner.some(mayHoldSecrets);
  withSecrets.set(branch, found);
  return found;
}

/** Every string in `value` that the schema marks as a secret. */
export function secretsIn(schema: JsonSchema, value: unknown): string[] {
  const found: string[] = [];
  const visit = (branches: readonly Branch[], current: unknown, secret: boolean): void => {
    const hidden = secret || branches.some((branch) => isSecret(branch, current));
    if (typeof current === "string" && hidden) found.push(current);
    if (!isRecord(current) || !(hidden || branches.some(mayHoldSecrets))) return;
    for (const [key, inner] of Object.entries(current)) {
      const part = Array.isArray(current) ? Number(key) : key;
      const next = branches.flatMap((branch) => below(branch, part) ?? []);
      visit(
        next.flatMap((branch) => variants(branch, inner)),
        inner,
        hidden,
      );
    }
  };
  visit(variants(schema, value), value, false);
  return found;
}
