import {
  type BackendRef,
  GATEWAY_GROUP,
  isPathValue,
  MAX_HOSTNAMES,
  MAX_RULES,
  type OutputObject,
  type RouteFilter,
  type RouteRule,
  slugOf,
} from "./gateway-api.ts";
import type { HostDraft, Migration, RuleDraft } from "./migration.ts";

/** Which listeners a route is on: those for http, those with a certificate, or whichever fit its hostnames. */
type Listen = "http" | "https" | "all";

/** A route before it is known which Gateways it is on. */
export interface RoutePlan {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Empty for every host. */
  readonly hostnames: readonly string[];
  readonly listen: Listen;
  readonly rules: readonly RouteRule[];
}

const HTTPS_STATUS = 308;
const NAME_LENGTH = 253;

function filtersOf(rule: RuleDraft, backends: readonly BackendRef[]): RouteFilter[] {
  const edits = (headers: ReadonlyMap<string, string>) => ({
    set: [...headers].map(([name, value]) => ({ name, value })),
  });
  const { cors, requestHeaders, responseHeaders, rewrite, redirect, mirrors } = rule;
  const filters: RouteFilter[] = [];
  if (cors !== undefined) filters.push({ type: "CORS", cors });
  if (requestHeaders.size > 0 && redirect === undefined)
    filters.push({ type: "RequestHeaderModifier", requestHeaderModifier: edits(requestHeaders) });
  if (responseHeaders.size > 0)
    filters.push({ type: "ResponseHeaderModifier", responseHeaderModifier: edits(responseHeaders) });
  if (redirect !== undefined) filters.push({ type: "RequestRedirect", requestRedirect: redirect });
  else if (rewrite.hostname !== undefined || rewrite.path !== undefined)
    filters.push({ type: "URLRewrite", urlRewrite: rewrite });
  if (redirect === undefined && backends.length > 0)
    for (const backendRef of mirrors) filters.push({ type: "RequestMirror", requestMirror: { backendRef } });
  return filters;
}

/* A rule for each way its headers lead, and the rule itself. */
function toRules(rule: RuleDraft): RouteRule[] {
  const make = (backends: readonly BackendRef[], headers: RouteRule["matches"][number]["headers"]): RouteRule => {
    const filters = filtersOf(rule, backends);
    const leadsOn = rule.redirect === undefined;
    return {
      matches: [{ path: rule.match, ...(headers !== undefined && { headers }) }],
      ...(filters.length > 0 && { filters }),
      ...(leadsOn && { backendRefs: backends }),
      ...(leadsOn && rule.timeoutSeconds !== undefined && { timeouts: { backendRequest: `${rule.timeoutSeconds}s` } }),
    };
  };
  return [...rule.variants.map(({ headers, backends }) => make(backends, headers)), make(rule.backends, undefined)];
}

/* nginx tries expressions longest first; a gateway may go by the order of the list, which is theirs in here. */
function ordered({ rules }: HostDraft): readonly RuleDraft[] {
  if (!rules.some(({ match }) => match.type === "RegularExpression")) return rules;
  return rules.toSorted((a, b) => b.source.path.length - a.source.path.length);
}

const namesOf = ({ host, aliases }: HostDraft) => (host === "" ? [] : [host, ...aliases]);

function chunks<T>(items: readonly T[], size: number): (readonly T[])[] {
  if (items.length <= size) return [items];
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}

/** The routes of one Ingress. `claim` gives a name that nothing else has. */
export function planRoutes(migration: Migration, claim: (namespace: string, name: string) => string): RoutePlan[] {
  const { ingress, hosts, extraRoutes } = migration;
  const common = { namespace: ingress.namespace, labels: ingress.manifest.metadata.labels };
  const plans: RoutePlan[] = [];
  const add = (base: string, plan: Pick<RoutePlan, "hostnames" | "listen" | "rules">) => {
    for (const hostnames of chunks(plan.hostnames, MAX_HOSTNAMES))
      for (const rules of chunks(plan.rules, MAX_RULES))
        plans.push({ ...common, ...plan, name: claim(ingress.namespace, base), hostnames, rules });
  };
  const filled = hosts.filter(({ rules }) => rules.length > 0);
  const alike = Map.groupBy(filled, (draft) =>
    JSON.stringify([draft.host === "", draft.redirectsToHttps, ordered(draft).flatMap(toRules)]),
  );
  for (const [first, ...others] of alike.values()) {
    if (first === undefined) continue;
    const base = alike.size === 1 ? ingress.name : `${ingress.name}-${slugOf(first.host)}`;
    const hostnames = [first, ...others].flatMap(namesOf);
    add(base, { hostnames, listen: first.redirectsToHttps ? "https" : "all", rules: ordered(first).flatMap(toRules) });
    if (first.redirectsToHttps) add(`${base}-https-redirect`, { hostnames, listen: "http", rules: [toHttps()] });
  }
  for (const { suffix, hostname, rules } of extraRoutes)
    add(`${ingress.name}-${suffix}`, { hostnames: [hostname], listen: "all", rules });
  return plans;
}

const toHttps = (): RouteRule => ({
  matches: [{ path: { type: "PathPrefix", value: "/" } }],
  filters: [{ type: "RequestRedirect", requestRedirect: { scheme: "https", statusCode: HTTPS_STATUS } }],
});

const covers = (wide: string, host: string) => wide.startsWith("*.") && host.endsWith(wide.slice(1));

/** True when a request can be for both. */
export function overlaps(a: RoutePlan, b: RoutePlan): boolean {
  if (a.hostnames.length === 0 || b.hostnames.length === 0) return true;
  return a.hostnames.some((one) => b.hostnames.some((two) => one === two || covers(one, two) || covers(two, one)));
}

/* A path that no HTTPRoute can match, such as //a, is none that nginx saw either: it joins slashes and resolves dots first. */
const isRequestable = ({ matches }: RouteRule) =>
  matches.every(({ path: { type, value } }) => type === "RegularExpression" || isPathValue(value));

/** A route that takes the same requests and serves none: a rule without a backend answers 500. */
export function closed(plan: RoutePlan, claim: (namespace: string, name: string) => string): RoutePlan {
  return {
    ...plan,
    name: claim(plan.namespace, `${plan.name}-closed`),
    listen: "all",
    rules: plan.rules.filter(isRequestable).map(({ matches }) => ({ matches })),
  };
}

/** Gives each name once in a namespace: the second is `NAME-2`. Names in `taken` are given to whoever asks for them first. */
export function createNames(): (namespace: string, name: string) => string {
  const given = new Set<string>();
  return (namespace, name) => {
    const base = name.slice(0, NAME_LENGTH - 5).replace(/[-.]+$/, "");
    for (let count = 1; ; count++) {
      const candidate = count === 1 ? base : `${base}-${count}`;
      if (given.has(`${namespace}/${candidate}`)) continue;
      given.add(`${namespace}/${candidate}`);
      return candidate;
    }
  };
}

/** The route as an object. */
export function toHttpRoute(plan: RoutePlan, parentRefs: readonly unknown[]): OutputObject {
  const { name, namespace, labels, hostnames, rules } = plan;
  return {
    apiVersion: `${GATEWAY_GROUP}/v1`,
    kind: "HTTPRoute",
    metadata: { name, namespace, ...(Object.keys(labels).length > 0 && { labels }) },
    spec: { parentRefs, ...(hostnames.length > 0 && { hostnames }), rules },
  };
}
