import { defineAnnotations } from "../annotation-group.ts";
import type { BackendRef, HeaderMatch } from "../gateway-api.ts";
import { nginxAnnotation, type Ingress } from "../ingress.ts";
import type { Migration, RuleDraft } from "../migration.ts";
import { isHeaderName } from "../http-names.ts";
import { compiles, hasTopLevelAlternative } from "../paths.ts";

const merged = "merged with the main Ingress of its host and path";

/** What a canary Ingress says; it is merged with its main Ingress, whose other annotations it takes. */
export const canary = defineAnnotations({
  title: "Canary",
  annotations: {
    canary: { outcome: "translated", text: `${merged}: the same rule, with both backends` },
    "canary-weight": { outcome: "translated", text: "weights of the two backends" },
    "canary-weight-total": { outcome: "translated", text: "the sum of the two weights; 100 where it is less" },
    "canary-by-header": {
      outcome: "translated",
      text: "rules that match the header: `always` leads to the canary, `never` to the main backend",
    },
    "canary-by-header-value": {
      outcome: "translated",
      text: "the rule matches this value, and `always` and `never` mean nothing",
    },
    "canary-by-header-pattern": {
      outcome: "translated",
      text: "the rule matches the header by a RegularExpression; one without ^ is looked for anywhere, which this gateway refuses as slow",
    },
    "canary-by-cookie": {
      outcome: "translated",
      text: "rules that match the header Cookie by a RegularExpression: `always` and `never`",
    },
  },
  apply(migration) {
    for (const { host, rules } of migration.hosts) for (const rule of rules) mergeCanary(migration, host, rule);
  },
});

function mergeCanary(migration: Migration, host: string, rule: RuleDraft): void {
  const [chosen] = migration.cluster.canariesOf(host, rule.source.path);
  const [main] = rule.backends;
  if (chosen === undefined || main === undefined || rule.redirect !== undefined) return;
  const { ingress, backend } = chosen;
  const get = (name: string) => nginxAnnotation(ingress, name) ?? "";
  const subject = `path ${host}${rule.source.path} (canary ${ingress.namespace}/${ingress.name})`;
  const other = migration.backendRef(backend, subject, ingress.namespace);
  const variant = (headers: readonly HeaderMatch[], to: BackendRef) => rule.variants.push({ headers, backends: [to] });

  for (const { value, to } of headerRules(get, main, other)) variant([value], to);
  const cookie = get("canary-by-cookie");
  if (/^[\w.!#$%&'*+^`|~-]+$/.test(cookie)) {
    variant([cookieMatch(cookie, "always")], other);
    variant([cookieMatch(cookie, "never")], main);
  }
  const { weight, total } = readWeights(ingress);
  if (weight > 0)
    rule.backends = [
      { ...main, weight: total - weight },
      { ...other, weight },
    ];
  migration.translated(
    subject,
    `${weight} of ${total} requests, and those with its header or cookie, go to ${other.name}`,
  );
}

function headerRules(
  get: (name: string) => string,
  main: BackendRef,
  other: BackendRef,
): { value: HeaderMatch; to: BackendRef }[] {
  const name = get("canary-by-header");
  if (!isHeaderName(name)) return [];
  const value = get("canary-by-header-value");
  if (value !== "") return [{ value: { name, value }, to: other }];
  const pattern = get("canary-by-header-pattern");
  if (pattern !== "") {
    /* nginx logs one that it cannot read, and goes on as if the header were not there. */
    if (!compiles(pattern)) return [];
    return [{ value: { type: "RegularExpression", name, value: anywhere(pattern) }, to: other }];
  }
  return [
    { value: { name, value: "always" }, to: other },
    { value: { name, value: "never" }, to: main },
  ];
}

/* nginx looks for a pattern anywhere in the value; with a gateway the whole value may have to match. */
function anywhere(pattern: string): string {
  const whole = hasTopLevelAlternative(pattern);
  const [begins, ends] = [!whole && pattern.startsWith("^"), !whole && /(?:^|[^\\])\$$/.test(pattern)];
  const bare = pattern.slice(begins ? 1 : 0, ends ? -1 : undefined);
  return `${begins ? "" : ".*"}(?:${bare})${ends ? "" : ".*"}`;
}

/* In a form that takes linear time on any value also where expressions backtrack. */
const cookieMatch = (cookie: string, value: string): HeaderMatch => ({
  type: "RegularExpression",
  name: "Cookie",
  value: `^([^;]*;)* ?${cookie.replaceAll(/[.$*+^|]/g, String.raw`\$&`)}=${value}(;[^;]*)*$`,
});

/** The canary's share: weight of total. */
export function readWeights(ingress: Ingress): { weight: number; total: number } {
  const whole = (name: string) => {
    const value = Number(nginxAnnotation(ingress, name) ?? "0");
    return Number.isInteger(value) && value > 0 ? value : 0;
  };
  const total = Math.min(1_000_000, Math.max(100, whole("canary-weight-total")));
  return { weight: Math.min(whole("canary-weight"), total), total };
}
