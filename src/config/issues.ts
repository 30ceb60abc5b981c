import type { z } from "zod";
import type { ConfigPath, ConfigProblem } from "../core/config-problem.ts";
import { nearest } from "../core/nearest.ts";
import type { JsonSchema } from "./json-schema.ts";
import { knownKeys, ruledOutBy } from "./schema-walk.ts";

export type Issue = z.core.$ZodIssue;

export function valueAt(root: unknown, path: ConfigPath): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

/** What a person would call this value. */
export function nameOfKind(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  return { string: "text", number: "a number", boolean: "true or false" }[typeof value as string] ?? typeof value;
}

const kindNames: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

const meant = (word: string | undefined) => (word === undefined ? "" : `; did you mean "${word}"?`);

function describeUnknownKey(key: string, path: ConfigPath, schema: JsonSchema, root: unknown): string {
  const others = ruledOutBy(schema, root, path, key);
  if (others.length > 0) return `does not go with ${others.map((other) => `\`${other}\``).join(", ")}`;
  const known = knownKeys(schema, root, path);
  const near = nearest(key, known);
  if (near !== undefined) return `there is no such key${meant(near)}`;
  return known.length === 0 ? "there is no such key" : `there is no such key; known here: ${known.join(", ")}`;
}

/* A plain union fails once for each form. The forms whose outer kind fits are what the person tried to write. */
function describeUnion(issue: Issue & { code: "invalid_union" }, path: ConfigPath): Issue[] | string {
  const said = issue.message === "Invalid input" ? undefined : issue.message;
  const failsAsA = (code: Issue["code"]) => (form: readonly Issue[]) =>
    form.some((inner) => inner.code === code && inner.path.length === 0);
  const fitting = issue.errors.filter((form) => !failsAsA("invalid_type")(form));
  // A word that is none of those known says less than what is wrong inside a map, where one was written.
  const inside = fitting.filter((form) => !failsAsA("invalid_value")(form));
  const closest = (inside.length > 0 || said !== undefined ? inside : fitting).toSorted(
    (a, b) => a.length - b.length,
  )[0];
  if (closest !== undefined) return closest.map((inner) => ({ ...inner, path: [...path, ...inner.path] }));
  if (said !== undefined) return said;
  const kinds = issue.errors
    .flat()
    .flatMap((inner) => (inner.code === "invalid_type" ? (kindNames[inner.expected] ?? inner.expected) : []));
  return `expected ${[...new Set(kinds)].join(" or ")}`;
}

function describeOptions(options: readonly string[], value: unknown): string {
  const near = typeof value === "string" ? nearest(value, options) : undefined;
  const missing = value === undefined ? "is missing: " : "";
  return `${missing}expected ${options.length === 1 ? "" : "one of "}${options.join(", ")}${meant(near)}`;
}

const things: Readonly<Record<string, readonly [one: string, more: string]>> = {
  array: ["entry", "entries"],
  string: ["character", "characters"],
};

function bound(which: string, limit: number | bigint, origin: string): string {
  const [one, more] = things[origin] ?? ["", ""];
  return `expected ${which} ${limit} ${Number(limit) === 1 ? one : more}`.trimEnd();
}

function describe(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case "invalid_type": {
      if (!issue.message.startsWith("Invalid input")) return issue.message;
      const expected = kindNames[issue.expected] ?? issue.expected;
      return value === undefined || value === null
        ? `is missing: expected ${expected}`
        : `expected ${expected}, not ${nameOfKind(value)}`;
    }
    case "invalid_value":
      return describeOptions(issue.values.map(String), value);
    case "invalid_key":
      return `this key is not ${issue.issues.map((inner) => inner.message).join("; ")}`;
    case "invalid_format":
      return issue.message === "Invalid URL"
        ? "expected an address such as https://example.com"
        : `expected ${issue.message.replace(/^Invalid /, "")}`;
    case "too_small":
      return issue.message.startsWith("Too ") ? bound("at least", issue.minimum, issue.origin) : issue.message;
    case "too_big":
      return issue.message.startsWith("Too ") ? bound("at most", issue.maximum, issue.origin) : issue.message;
    case "invalid_union": {
      /* No form is known by this word; zod says which are. */
      const options = [...issue.message.matchAll(/'([^']+)'/g)].flatMap(([, option]) => option ?? []);
      return options.length === 0 ? issue.message : describeOptions(options, value);
    }
    default:
      return issue.message;
  }
}

/** What the schema found, one problem for each thing that is wrong. `root` is the value that was parsed. */
export function toProblems(issues: readonly Issue[], schema: JsonSchema, root: unknown): ConfigProblem[] {
  return issues.flatMap((issue): ConfigProblem[] => {
    const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({ path: [...path, key], message: describeUnknownKey(key, path, schema, root) }));
    }
    if (issue.code === "invalid_union") {
      const described = issue.errors.length === 0 ? describe(issue, valueAt(root, path)) : describeUnion(issue, path);
      return typeof described === "string" ? [{ path, message: described }] : toProblems(described, schema, root);
    }
    return [{ path, message: describe(issue, valueAt(root, path)) }];
  });
}
