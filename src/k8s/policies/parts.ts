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

/** A word for some parts of a route, as `tags` of the configuration has it. */
export interface PartsTag {
  readonly tag: string;
  readonly listeners?: readonly string[];
  readonly rules?: readonly string[];
  readonly exceptRules?: readonly string[];
}

/** How `tag` is put on these parts of a route, out of all that it has: as a rule one entry, for the whole of it. */
function tagsOf(tag: string, parts: readonly Part[], every: readonly Part[]): readonly PartsTag[] {
  if (parts.length === every.length) return [{ tag }];
  const listeners = new Set(every.map(({ listener }) => listener));
  const named = [...new Set(every.map(({ rule }) => rule))].flatMap((rule) => rule ?? []);
  const byListeners = Map.groupBy(
    Map.groupBy(parts, ({ rule }) => rule),
    ([, own]) => JSON.stringify(own.map(({ listener }) => listener)),
  );
  return [...byListeners.values()].map((rules) => {
    const at = (rules[0]?.[1] ?? []).map(({ listener }) => listener ?? "main");
    const own = new Set(rules.map(([rule]) => rule));
    return {
      tag,
      ...(at.length < listeners.size && { listeners: at }),
      ...(own.size <= named.length &&
        (own.has(undefined)
          ? { exceptRules: named.filter((name) => !own.has(name)) }
          : { rules: named.filter((name) => own.has(name)) })),
    };
  });
}

/**
 * Gives these parts, out of all that there are, a word of their own and tells how expressions ask for it. A list of routes in an
 * expression would have no bound.
 */
export function tagParts(
  tag: string,
  parts: readonly Part[],
  all: readonly Part[],
  put: (route: ServedRoute, tags: readonly PartsTag[]) => void,
): string {
  const every = Map.groupBy(all, ({ route }) => route);
  for (const [route, own] of Map.groupBy(parts, (part) => part.route))
    put(route, tagsOf(tag, own, every.get(route) ?? []));
  return hasTag(tag);
}

export const hasTag = (tag: string): string => `${JSON.stringify(tag)} in request.tags`;
