import type { ServedRoute } from "../attach/attachment.ts";
import type { KubeObject } from "../parse-object.ts";
import type { PolicyContext, PolicyTarget } from "./define-policy.ts";

/** A part of the traffic that policies may tell apart: what comes for one route, at one listener, by one of its rules. */
export interface Part {
  readonly route: ServedRoute;
  /** Its name in the configuration; undefined where the route is served by `listen` alone. */
  readonly listener: string | undefined;
  /** One that a policy names; undefined: all the others. */
  readonly rule: string | undefined;
}

/** The parts of one translation, by what a policy may name. */
export interface Parts {
  readonly all: readonly Part[];
  /** By the route, and by each Gateway that it is attached to. */
  readonly of: ReadonlyMap<KubeObject<unknown>, readonly Part[]>;
}

/** Every part of the routes that these policies reach. */
export function partsOf(policies: readonly PolicyContext<unknown>[]): Parts {
  const targets = policies.flatMap((policy) => policy.targets);
  const named = new Map<KubeObject<unknown>, Set<string>>();
  for (const { object, ref } of targets)
    if (ref.sectionName !== undefined) named.set(object, (named.get(object) ?? new Set()).add(ref.sectionName));
  const routes = new Set(targets.flatMap((target) => target.routes));
  const all: Part[] = [];
  const of = new Map<KubeObject<unknown>, Part[]>();
  for (const route of routes) {
    const own = (route.listeners ?? [undefined]).flatMap((listener) =>
      [...(named.get(route.object) ?? []), undefined].map((rule) => ({ route, listener, rule })),
    );
    all.push(...own);
    for (const object of [route.object, ...route.gateways]) {
      const known = of.get(object);
      if (known === undefined) of.set(object, [...own]);
      else known.push(...own);
    }
  }
  return { all, of };
}

/* How near a target is to the traffic: a Gateway, one of its listeners, a route, one of its rules. */
function nearnessTo(
  { route, listener, rule }: Part,
  { object, ref: { sectionName } }: PolicyTarget,
): number | undefined {
  if (object === route.object) {
    if (sectionName === undefined) return 2;
    return sectionName === rule ? 3 : undefined;
  }
  const here = route.attached.some(
    (each) =>
      each.gateway === object && each.listener === listener && (sectionName === undefined || each.name === sectionName),
  );
  if (!here) return undefined;
  return sectionName === undefined ? 0 : 1;
}

/** A policy that holds for a part. */
export interface Ranked<S> {
  readonly policy: PolicyContext<S>;
  /** More is nearer to the traffic. */
  readonly near: number;
}

/** The parts that a policy is for. */
export const reachOf = (policy: PolicyContext<unknown>, parts: Parts): readonly Part[] => [
  ...rank(policy, parts).keys(),
];

function rank(policy: PolicyContext<unknown>, { of }: Parts): ReadonlyMap<Part, number> {
  const found = new Map<Part, number>();
  for (const target of policy.targets)
    for (const part of of.get(target.object) ?? []) {
      const near = nearnessTo(part, target);
      if (near !== undefined) found.set(part, Math.max(near, found.get(part) ?? near));
    }
  return found;
}

/** The policies that hold for each part, the nearest first; of those that are as near the oldest comes first. */
export function policiesAt<S>(
  parts: Parts,
  policies: readonly PolicyContext<S>[],
): ReadonlyMap<Part, readonly Ranked<S>[]> {
  const found = new Map<Part, Ranked<S>[]>();
  for (const policy of policies)
    for (const [part, near] of rank(policy, parts)) {
      const ranked = found.get(part);
      if (ranked === undefined) found.set(part, [{ policy, near }]);
      else ranked.push({ policy, near });
    }
  for (const ranked of found.values()) ranked.sort((a, b) => b.near - a.near);
  return found;
}

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
  { of }: Parts,
  put: (route: ServedRoute, tags: readonly PartsTag[]) => void,
): string {
  for (const [route, own] of Map.groupBy(parts, (part) => part.route))
    put(route, tagsOf(tag, own, of.get(route.object) ?? []));
  return hasTag(tag);
}

export const hasTag = (tag: string): string => `${JSON.stringify(tag)} in request.tags`;
