import { defineAnnotations } from "../annotation-group.ts";
import { isOn } from "../cluster.ts";
import { isPathValue, type PathModifier } from "../gateway-api.ts";
import { createRule, type Migration, type RuleDraft, rulesOf } from "../migration.ts";
import { convertCaptures, groupCount, isLiteral } from "../paths.ts";
import { parseTarget } from "../redirect-target.ts";

export const rewrite = defineAnnotations({
  title: "Paths",
  annotations: {
    "rewrite-target": {
      outcome: "translated",
      text: "URLRewrite: ReplaceFullPath, or ReplacePrefixMatch where captures only take a prefix off; other captures hold the routes back. Every path of the host becomes a prefix, or a RegularExpression where it has to be",
    },
    "use-regex": {
      outcome: "translated",
      text: "every path of the host becomes a RegularExpression that ignores case (`[vV]1`), or a PathPrefix where all of them can be said as one, or one of them takes a prefix off",
    },
    "app-root": { outcome: "translated", text: "a rule for exactly / with a RequestRedirect, 302" },
    "x-forwarded-prefix": {
      outcome: "translated",
      text: "RequestHeaderModifier that sets X-Forwarded-Prefix, where rewrite-target is set too; without it nginx ignores it",
    },
  },
  apply(migration) {
    applyRewrite(migration);
    const useRegex = migration.get("use-regex");
    if (useRegex !== undefined) {
      const as = isOn(useRegex) ? "see the paths of this Ingress, and of others of its hosts" : "off: nothing to do";
      migration.translated("use-regex", as);
    }
    applyAppRoot(migration);
    applyPrefixHeader(migration);
  },
});

function applyRewrite(migration: Migration): void {
  const target = migration.get("rewrite-target");
  if (target === undefined) return;
  if (target === "") return migration.translated("rewrite-target", "empty: nothing to do");
  for (const rule of rulesOf(migration)) rewriteRule(migration, rule, target);
  if (rulesOf(migration).length === 0) migration.translated("rewrite-target", "nothing to do: the Ingress has no path");
  return undefined;
}

function rewriteRule(migration: Migration, rule: RuleDraft, target: string): void {
  const { path } = rule.source;
  if (target === path)
    return migration.translated(
      "rewrite-target",
      `nothing to do: nginx takes a target that is the path itself for none (${path})`,
    );
  if (/^(?:https?:\/\/|\$scheme)/.test(target)) return redirectInstead(migration, rule, target);
  const converted = isLiteral(path) ? undefined : convertCaptures(path, target);
  if (converted !== undefined) {
    rule.rewrite.path = converted.modifier;
    return migration.translated("rewrite-target", `${path}: URLRewrite ${sayModifier(converted.modifier)}`);
  }
  const groups = groupCount(path);
  /* A group that the path does not have is empty. */
  const filled = target.replaceAll(/\$(\d)/g, (text, digit) => (Number(digit) > groups ? "" : text));
  const noQuery = filled.endsWith("?") ? filled.slice(0, -1) : filled;
  if (!isPathValue(noQuery) || noQuery.includes("$"))
    return migration.withhold(
      "rewrite-target",
      `${target} on ${path}: an HTTPRoute replaces a whole path or a prefix by a fixed text, no more`,
      "write the path as a prefix, such as /api(/|$)(.*) with /$2, or have the service take the path as it comes",
    );
  rule.rewrite.path = { type: "ReplaceFullPath", replaceFullPath: noQuery };
  const whole = `${path}: URLRewrite ReplaceFullPath ${noQuery}: whatever follows ${path} in a request is dropped, as nginx dropped it`;
  if (noQuery !== filled)
    return migration.approximated("rewrite-target", `${whole}; nginx dropped the query too, here it is kept`);
  const hint = isLiteral(path)
    ? ` (to keep it, nginx wanted ${path === "/" ? "" : path}(/|$)(.*) and /$2; here ReplacePrefixMatch /)`
    : "";
  return migration.translated("rewrite-target", `${whole}${hint}`);
}

const sayModifier = (modifier: PathModifier) =>
  modifier.type === "ReplaceFullPath"
    ? `ReplaceFullPath ${modifier.replaceFullPath}`
    : `ReplacePrefixMatch ${modifier.replacePrefixMatch}`;

/* nginx answers with a redirect where the replacement begins with a scheme. */
function redirectInstead(migration: Migration, rule: RuleDraft, target: string): void {
  const redirect = parseTarget(target);
  if (redirect === undefined)
    return migration.withhold(
      "rewrite-target",
      `${target} is a redirect that is computed`,
      "write it as a RequestRedirect by hand",
    );
  rule.redirect = { ...redirect, statusCode: 302 };
  return migration.translated(
    "rewrite-target",
    `${rule.source.path}: RequestRedirect 302 to ${target}, as nginx answers a target with a scheme`,
  );
}

function applyAppRoot(migration: Migration): void {
  const root = migration.get("app-root");
  if (root === undefined) return;
  if (!isPathValue(root)) {
    if (/^[a-z]+:/i.test(root) || !root.startsWith("/"))
      return migration.translated("app-root", "nothing to do: nginx ignores what is not a path");
    return migration.notTranslated(
      "app-root",
      `${root} is more than a path`,
      "write a RequestRedirect for exactly / by hand",
    );
  }
  for (const host of migration.hosts) {
    const [first] = host.rules;
    if (first === undefined) continue;
    const rule = createRule({ ...first.source, path: "/", pathType: "Exact" }, { type: "Exact", value: "/" });
    rule.redirect = { path: { type: "ReplaceFullPath", replaceFullPath: root }, statusCode: 302 };
    host.rules.unshift(rule);
  }
  return migration.translated("app-root", `a rule for exactly / with a RequestRedirect, 302, to ${root}`);
}

function applyPrefixHeader(migration: Migration): void {
  const prefix = migration.get("x-forwarded-prefix");
  if (prefix === undefined) return;
  const rules = rulesOf(migration).filter((rule) => rule.rewrite.path !== undefined);
  if (rules.length === 0 || prefix === "")
    return migration.translated("x-forwarded-prefix", "nothing to do: nginx sends it only where it rewrites");
  if (prefix.includes("$"))
    return migration.notTranslated(
      "x-forwarded-prefix",
      "it is computed from captures",
      "set X-Forwarded-Prefix by hand for each route",
    );
  for (const rule of rules) rule.requestHeaders.set("X-Forwarded-Prefix", prefix);
  return migration.translated("x-forwarded-prefix", `RequestHeaderModifier sets X-Forwarded-Prefix: ${prefix}`);
}
