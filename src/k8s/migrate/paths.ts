import { isPathValue, MAX_PATH, type PathMatch, type PathModifier } from "./gateway-api.ts";
import { ignoreCase } from "./ignore-case.ts";
import type { IngressPath } from "./ingress.ts";

/* What a path needs to be a regular expression in more than name. A dot is left out: /v1.0 means the dot, and is matched by it. */
const REGEX_SIGNS = /[\\^$|?*+()[\]{}]/;

export const isLiteral = (path: string) => !REGEX_SIGNS.test(path);

/**
 * What a path of a host with expressions is: a `prefix`, `text` that is more or less than a prefix, an expression that only takes a prefix
 * off and so is `converted`, or any other `expression`.
 */
export function formOf(
  { path, pathType }: IngressPath,
  target: string | undefined,
): "prefix" | "text" | "converted" | "expression" {
  if (isLiteral(path)) return pathType === "Prefix" || path === "/" ? "prefix" : "text";
  return convertCaptures(path, target) === undefined ? "expression" : "converted";
}

/**
 * nginx: `location ~* "^PATH"`, open at its end. Written so that it means the same where a whole path has to match (Envoy, this gateway)
 * and where a part is enough, and in every dialect. Undefined for what cannot be said so.
 */
export function toRegexMatch(path: string): PathMatch | undefined {
  const bare = path.startsWith("^") ? path.slice(1) : path;
  const value = ignoreCase(/(?:^|[^\\])\$$|\.\*\)?$/.test(bare) ? bare : `${bare}.*`);
  /* An alternative at the top level would take the beginning or the end for itself. */
  const fits = value !== undefined && value.length <= MAX_PATH && !hasTopLevelAlternative(bare) && compiles(value);
  return fits ? { type: "RegularExpression", value } : undefined;
}

/** False for what is no expression at all. */
export function compiles(pattern: string): boolean {
  try {
    return Boolean(new RegExp(pattern));
  } catch {
    return false;
  }
}

/** True of `a|b`, false of `(a|b)`. */
export function hasTopLevelAlternative(pattern: string): boolean {
  let depth = 0;
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at];
    if (character === "\\") at++;
    else if (character === "(") depth++;
    else if (character === ")") depth--;
    else if (character === "|" && depth === 0) return true;
  }
  return false;
}

/** PathPrefix ignores a slash at its end. */
export const toPrefix = (path: string) => (path.length > 1 ? path.replace(/\/+$/, "") || "/" : path);

interface Converted {
  readonly prefix: string;
  readonly modifier: PathModifier;
  /** What is not quite as it was; undefined when nothing is. */
  readonly difference: string | undefined;
}

const shapes: readonly {
  readonly pattern: RegExp;
  /** The group that holds the rest, and whether the rest begins with the slash. */
  readonly group: number;
  readonly slash: boolean;
  readonly difference?: (prefix: string) => string;
}[] = [
  { pattern: /^(\/[^\\^$|?*+()[\]{}]*?)\(\/\|\$\)\(\.\*\)\$?$/, group: 2, slash: false },
  { pattern: /^(\/[^\\^$|?*+()[\]{}]*?)\(\/\.\*\)\?\$?$/, group: 1, slash: true },
  { pattern: /^(\/)\(\.\*\)\$?$/, group: 1, slash: false },
  {
    pattern: /^(\/[^\\^$|?*+()[\]{}]+?)\/\(\.\*\)\$?$/,
    group: 1,
    slash: false,
    difference: (prefix) => `${prefix} itself, without a slash, is served too`,
  },
  {
    pattern: /^(\/[^\\^$|?*+()[\]{}]+?)\/\?\(\.\*\)\$?$/,
    group: 1,
    slash: false,
    difference: (prefix) => `${prefix}x, which goes on without a slash, is no longer served`,
  },
];

/** The usual ways to write "take this prefix off, put that one on" with captures, as a prefix. Undefined for any other. */
export function convertCaptures(path: string, target: string | undefined): Converted | undefined {
  if (target === undefined) return undefined;
  for (const { pattern, group, slash, difference } of shapes) {
    const prefix = pattern.exec(path)?.[1];
    if (prefix === undefined) continue;
    const end = `$${group}`;
    const before = target.endsWith(end) ? target.slice(0, -end.length) : undefined;
    if (before === undefined || before.includes("$") || /[?#]/.test(before)) return undefined;
    if (slash ? before.endsWith("/") : !before.endsWith("/")) return undefined;
    const replacement = toPrefix(before === "" ? "/" : before);
    const clean = toPrefix(prefix);
    if (!isPathValue(clean) || !isPathValue(replacement)) return undefined;
    const own =
      !slash && replacement !== "/" ? `${clean} itself becomes ${replacement}, in nginx ${replacement}/` : undefined;
    const differences = [difference?.(clean), own].filter((text) => text !== undefined);
    return {
      prefix: clean,
      modifier: { type: "ReplacePrefixMatch", replacePrefixMatch: replacement },
      difference: differences.length === 0 ? undefined : differences.join("; "),
    };
  }
  return undefined;
}

/** How many groups a pattern captures. */
export const groupCount = (pattern: string) =>
  [...pattern.matchAll(/\\.|\((?!\?)/g)].filter(([text]) => text === "(").length;
