import type { ServedRoute } from "../attach/attachment.ts";
import type { PolicyContext, PolicyTarget } from "./define-policy.ts";

/** A part of the traffic that policies may tell apart: what comes for one route, at one listener, by one of its rules. */
export interface Part {
  readonly route: ServedRoute;
  /** Its name in the configuration; undefined where the route is served by `listen` alone. */
  readonly listener: string | undefined;
  /** One that a policy names; undefined: all the others. */
  readonly rule: string | undefined;
}

/** Every part of the routes that these policies reach. */
export function partsOf(policies: readonly PolicyContext<unknown>[]): readonly Part[] {
  const targets = policies.flatMap((policy) => policy.targets);
  const routes = new Set(targets.flatMap((target) => target.routes));
  return [...routes].flatMap((route) => {
    const named = targets.flatMap(({ object, ref }) =>
      object === route.object && ref.sectionName !== undefined ? [ref.sectionName] : [],
    );
    const rules = [...new Set<string | undefined>(named), undefined];
    const listeners = route.listeners ?? [undefined];
    return listeners.flatMap((listener) => rules.map((rule) => ({ route, listener, rule })));
  });
}

/* How near a target is to the traffic: a Gateway, one of its listeners, a route, one of its rules. */
function nearnessTo({ route, listener, rule }: Part, { object, ref, routes }: PolicyTarget): number | undefined {
  if (!routes.includes(route)) return undefined;
  const { sectionName } = ref;
  if (object === route.object) {
    if (sectionName === undefined) return 2;
    return sectionName === rule ? 3 : undefined;
  }
  const here = route.attached.filter((each) => each.gateway === object && each.listener === listener);
  /* A route without listeners of its own is not told apart by them. */
  if (listener !== undefined && !here.some(({ name }) => sectionName === undefined || name === sectionName))
    return undefined;
  return sectionName === undefined ? 0 : 1;
}

/** A policy that holds for a part. */
export interface Ranked<S> {
  readonly policy: PolicyContext<S>;
  /** More is nearer to the traffic. */
  readonly near: number;
}

/** The policies that hold for a part, the nearest first; of those that are as near the oldest comes first. */
export function policiesAt<S>(part: Part, policies: readonly PolicyContext<S>[]): readonly Ranked<S>[] {
  return policies
    .flatMap((policy) => {
      const near = policy.targets.flatMap((target) => nearnessTo(part, target) ?? []);
      return near.length === 0 ? [] : [{ policy, near: Math.max(...near) }];
    })
    .toSorted((a, b) => b.near - a.near);
}

/** The parts that a policy is for. */
export const reachOf = (policy: PolicyContext<unknown>, all: readonly Part[]): readonly Part[] =>
  all.filter((part) => policiesAt(part, [policy]).length > 0);

const quoted = (text: string): string => JSON.stringify(text);

/** CEL over `request` that is true of these parts, out of all that there are. */
export function scopeOf(parts: readonly Part[], all: readonly Part[]): string {
  const whole: string[] = [];
  const terms: string[] = [];
  for (const [route, own] of Map.groupBy(parts, (part) => part.route)) {
    const every = all.filter((part) => part.route === route);
    if (own.length === every.length) whole.push(route.name);
    else terms.push(...termsOf(route.name, own, every));
  }
  const [first, ...others] = whole;
  if (first !== undefined)
    terms.unshift(
      others.length === 0 ? `request.route == ${quoted(first)}` : `request.route in [${whole.map(quoted).join(", ")}]`,
    );
  return terms.length === 1 ? terms.join("") : terms.map((term) => `(${term})`).join(" || ");
}

function termsOf(route: string, parts: readonly Part[], every: readonly Part[]): readonly string[] {
  const listeners = new Set(every.map(({ listener }) => listener));
  const named = [...new Set(every.map(({ rule }) => rule))].flatMap((rule) => rule ?? []);
  const byListeners = Map.groupBy(
    Map.groupBy(parts, ({ rule }) => rule),
    ([, own]) => JSON.stringify(own.map(({ listener }) => listener)),
  );
  return [...byListeners.values()].map((rules) => {
    const at = rules[0]?.[1].map(({ listener }) => listener) ?? [];
    const conditions = [`request.route == ${quoted(route)}`];
    if (at.length < listeners.size)
      conditions.push(`request.listener in [${at.map((name) => quoted(name ?? "main")).join(", ")}]`);
    const own = rules.map(([rule]) => rule);
    if (own.length <= named.length)
      conditions.push(
        own.includes(undefined)
          ? `!(request.rule in [${named
              .filter((name) => !own.includes(name))
              .map(quoted)
              .join(", ")}])`
          : `request.rule in [${own.map((name) => quoted(name ?? "")).join(", ")}]`,
      );
    return conditions.join(" && ");
  });
}
