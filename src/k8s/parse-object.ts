import { z } from "zod";
import { type CrdRule, compileCrdRule, toCelValue } from "../cel/crd-rule.ts";
import { toProblems } from "../config/issues.ts";
import type { JsonSchema } from "../config/json-schema.ts";
import type { ConfigPath } from "../core/config-problem.ts";
import type { Kind, Remark } from "./kinds/define-kind.ts";
import { nameFault } from "./kinds/words.ts";
import { isMap, type Manifest, type ManifestMetadata } from "./manifest.ts";

/** An object as its kind reads it. */
export interface KubeObject<S> {
  readonly kind: Kind<S>;
  readonly name: string;
  /** Empty for kinds of the whole cluster. */
  readonly namespace: string;
  readonly metadata: ManifestMetadata;
  /** What the schema of the kind gave: with the defaults. */
  readonly spec: S;
  readonly manifest: Manifest;
}

/** An object, or why it is not taken. */
export type ParsedObject<S> = { readonly warnings: readonly Remark[] } & (
  | { readonly object: KubeObject<S> }
  | { readonly object: undefined; readonly problems: readonly Remark[] }
);

/** The namespace of what names none, as kubectl has it. */
const DEFAULT_NAMESPACE = "default";

export const namespaceOf = (kind: Kind<unknown>, { metadata }: Manifest): string =>
  kind.scope === "Cluster" ? "" : (metadata.namespace ?? DEFAULT_NAMESPACE);

/* Manifests do not change: what was made of one stands as long as it does, so that a change costs what has changed. */
const parsed = {
  strict: new WeakMap<Manifest, ParsedObject<unknown>>(),
  pruned: new WeakMap<Manifest, ParsedObject<unknown>>(),
};

/**
 * Does what an API server does before it takes an object: defaults, then the schema, then the rules of the CRD; then refuses what this
 * gateway cannot honour. `strict`: a field that the schema does not know is a problem; otherwise a warning, and it is left out.
 */
export function parseObject<S>(kind: Kind<S>, manifest: Manifest, strict: boolean): ParsedObject<S> {
  const known = parsed[strict ? "strict" : "pruned"];
  const found = known.get(manifest);
  if (found?.object === undefined ? found !== undefined : found.object.kind === kind) return found as ParsedObject<S>;
  const made = readObject(kind, manifest, strict);
  known.set(manifest, made);
  return made;
}

function readObject<S>(kind: Kind<S>, manifest: Manifest, strict: boolean): ParsedObject<S> {
  const misnamed = nameFaults(kind, manifest);
  if (misnamed.length > 0) return { object: undefined, problems: misnamed, warnings: [] };
  const outer: ConfigPath = kind.reads === "spec" ? ["spec"] : [];
  const written = (kind.reads === "spec" ? manifest.spec : manifest.value) ?? {};
  const mended = kind.mend?.(written, manifest) ?? { value: written, warnings: [] };
  const warnings = [...mended.warnings];
  let { value } = mended;
  let read = kind.schema.safeParse(value);
  if (!read.success) {
    /* An API server leaves out what is null (API conventions, nullable fields) and what the schema does not know. */
    value = withoutNulls(value);
    read = kind.schema.safeParse(value);
  }
  if (!read.success && !strict) {
    const unknown = read.error.issues.filter((issue) => issue.code === "unrecognized_keys");
    for (const { path, keys } of unknown)
      for (const key of keys) {
        const at = [...path.map(toPart), key];
        warnings.push({ path: [...outer, ...at], message: "this field is not known here, and left out" });
        value = without(value, at);
      }
    if (unknown.length > 0) read = kind.schema.safeParse(value);
  }
  if (!read.success) {
    const problems = toProblems(read.error.issues, schemaOf(kind), value).map(({ path, message }) => ({
      path: [...outer, ...path],
      message,
    }));
    return { object: undefined, problems, warnings };
  }
  const spec = read.data;
  const whole = kind.reads === "spec" ? { spec } : spec;
  const problems = [...brokenRules(kind, whole), ...unsupported(kind, whole)];
  if (problems.length > 0) return { object: undefined, problems, warnings };
  const { metadata } = manifest;
  return {
    object: { kind, name: metadata.name, namespace: namespaceOf(kind, manifest), metadata, spec, manifest },
    warnings,
  };
}

function nameFaults({ named, scope }: Kind<unknown>, { metadata: { name, namespace } }: Manifest): Remark[] {
  const faults = [
    { path: ["metadata", "name"], message: nameFault(name, named) },
    {
      path: ["metadata", "namespace"],
      message: namespace === undefined || scope === "Cluster" ? undefined : nameFault(namespace, "label"),
    },
  ];
  return faults.flatMap(({ path, message }) => (message === undefined ? [] : [{ path, message }]));
}

const toPart = (part: PropertyKey) => (typeof part === "number" ? part : String(part));

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (inner === null ? [] : [[key, withoutNulls(inner)]])),
  );
}

function without(value: unknown, [first, ...rest]: ConfigPath): unknown {
  if (Array.isArray(value))
    return value.map((inner, index) => (index === first ? without(inner, rest) : (inner as unknown)));
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) =>
      key !== first ? [[key, inner]] : rest.length === 0 ? [] : [[key, without(inner, rest)]],
    ),
  );
}

const jsonSchemas = new WeakMap<Kind<unknown>, JsonSchema>();

function schemaOf(kind: Kind<unknown>): JsonSchema {
  const known = jsonSchemas.get(kind);
  if (known !== undefined) return known;
  const made = z.toJSONSchema(kind.schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  jsonSchemas.set(kind, made);
  return made;
}

interface CompiledRule {
  readonly steps: readonly string[];
  readonly message: string;
  readonly holds: CrdRule;
}

const compiled = new WeakMap<Kind<unknown>, readonly CompiledRule[]>();

function rulesOf(kind: Kind<unknown>): readonly CompiledRule[] {
  const known = compiled.get(kind);
  if (known !== undefined) return known;
  const made = kind.rules.map(({ path, rule, message }) => ({
    steps: stepsOf(path),
    message,
    holds: compileCrdRule(rule),
  }));
  compiled.set(kind, made);
  return made;
}

/* `spec.rules[].matches[]` → spec, rules, [], matches, []. */
const stepsOf = (path: string): string[] =>
  path
    .replaceAll("[]", ".[]")
    .split(".")
    .filter((step) => step !== "");

function brokenRules(kind: Kind<unknown>, whole: unknown): Remark[] {
  if (kind.rules.length === 0) return [];
  const value = toCelValue(whole);
  return rulesOf(kind).flatMap(({ steps, message, holds }) =>
    placesOf(value, steps).flatMap(({ path, self }) => (holds(self) ? [] : [{ path, message }])),
  );
}

function unsupported(kind: Kind<unknown>, whole: unknown): Remark[] {
  return Object.entries(kind.unsupported).flatMap(([path, reason]) =>
    placesOf(whole, stepsOf(path)).map((place) => ({ path: place.path, message: `not supported: ${reason}` })),
  );
}

interface Place {
  readonly path: ConfigPath;
  readonly self: unknown;
}

/* Every value that the steps lead to; `[]` is every entry of a list. */
function placesOf(value: unknown, steps: readonly string[], path: ConfigPath = []): Place[] {
  const [step, ...rest] = steps;
  if (value === undefined) return [];
  if (step === undefined) return [{ path, self: value }];
  if (step === "[]")
    return Array.isArray(value) ? value.flatMap((inner, index) => placesOf(inner, rest, [...path, index])) : [];
  return isMap(value) ? placesOf(value[step], rest, [...path, step]) : [];
}
