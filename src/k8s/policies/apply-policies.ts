import { nearest } from "../../core/nearest.ts";
import type { ServedRoute } from "../attach/attachment.ts";
import { a2aAgent } from "../kinds/a2a-agent.ts";
import { gateway } from "../kinds/gateway.ts";
import { httpRoute } from "../kinds/http-route.ts";
import { mcpServer } from "../kinds/mcp-server.ts";
import type { Kind, Remark } from "../kinds/define-kind.ts";
import type { KubeObject } from "../parse-object.ts";
import { byAge } from "../precedence.ts";
import type { Workspace } from "../workspace.ts";
import { reasonOf } from "../objects.ts";
import { isMap } from "../manifest.ts";
import type { PartsTag } from "./parts.ts";
import { closeClaims } from "./close-claims.ts";
import type { AnyPolicy, PolicyContext, PolicyTarget, TargetRef } from "./define-policy.ts";

const targetKinds: readonly Kind<unknown>[] = [gateway, httpRoute, mcpServer, a2aAgent];

/** The object that a policy of a namespace names. */
function findTarget({ objects }: Workspace, namespace: string, { group, kind, name }: TargetRef) {
  const known = targetKinds.find((each) => each.group === group && each.kind === kind);
  return known && objects.get(known, namespace, name);
}

/** What AI policies name: a route that one names serves calls of models. */
export function aiTargets(workspace: Workspace, definitions: readonly AnyPolicy[]): ReadonlySet<KubeObject<unknown>> {
  const found = new Set<KubeObject<unknown>>();
  for (const { kind, targets, ai } of definitions)
    for (const object of workspace.objects.list(kind))
      if (ai(object))
        for (const ref of targets(object)) {
          const target = findTarget(workspace, object.namespace, ref);
          if (target !== undefined) found.add(target);
        }
  return found;
}

/** Gives every policy its targets and lets its kind make configuration of it. */
export function applyPolicies(
  workspace: Workspace,
  definitions: readonly AnyPolicy[],
  served: readonly ServedRoute[],
): void {
  for (const { kind, targets, apply, refused: tell } of definitions) {
    for (const refused of workspace.objects.allRefused) {
      if (refused.kind !== kind) continue;
      closeClaims(workspace, refused, served);
      tell({ ...refused, because: "Invalid", reason: reasonOf(refused), ...workspace.contextOf(refused) });
    }
    const contexts = workspace.objects
      .list(kind)
      .toSorted(byAge)
      .flatMap((object): PolicyContext<unknown>[] => {
        const context = workspace.contextOf(object);
        const refuse = (remark: Remark) => {
          context.refuse(remark);
          closeClaims(workspace, object, served);
        };
        const found: PolicyTarget[] = [];
        const missing: TargetRef[] = [];
        const lost: Remark[] = [];
        for (const ref of targets(object)) {
          const target = findTarget(workspace, object.namespace, ref);
          const resolved = target && resolve(ref, target, served);
          if (target === undefined) {
            missing.push(ref);
            const message = `there is no ${ref.kind} ${ref.name} in namespace ${object.namespace}: it has no effect there`;
            context.warn({ path: ref.path, message });
          } else if (resolved === undefined) lost.push(withoutSection(ref, target));
          else found.push(resolved);
        }
        if (lost.length > 0) {
          /* What it is for is there, and who wrote it thinks that it holds. */
          for (const remark of lost) refuse(remark);
          tell({ ...object, because: "TargetNotFound", reason: reasonOf({ problems: lost }), ...context });
          return [];
        }
        const tag: PolicyContext<unknown>["tag"] = ({ name }, tags) =>
          workspace.pieces.edit(["routes", name], (value) => tagged(value, tags));
        return [{ object, targets: found, missing, ...context, tag, refuse }];
      });
    apply(contexts);
  }
}

function tagged(route: unknown, tags: readonly PartsTag[]): unknown {
  if (!isMap(route)) return route;
  const known = Array.isArray(route["tags"]) ? (route["tags"] as readonly unknown[]) : [];
  return { ...route, tags: [...known, ...tags] };
}

/* The names of what a sectionName may be: rules of a route, listeners of a Gateway. */
const sectionsOf = ({ kind, spec }: KubeObject<unknown>): readonly string[] =>
  kind === httpRoute
    ? (spec as ServedRoute["object"]["spec"]).rules.flatMap(({ name }) => name ?? [])
    : (spec as ServedRoute["gateways"][number]["spec"]).listeners.map(({ name }) => name);

function withoutSection({ path, kind, name, sectionName = "" }: TargetRef, target: KubeObject<unknown>): Remark {
  const near = nearest(sectionName, sectionsOf(target));
  const what = kind === httpRoute.kind ? "rule" : "listener";
  return {
    path: [...path, "sectionName"],
    message: `${kind} ${name} has no ${what} ${sectionName}${near === undefined ? "" : `; did you mean ${near}?`}`,
  };
}

/* Undefined: it has no such section. */
function resolve(
  ref: TargetRef,
  object: KubeObject<unknown>,
  served: readonly ServedRoute[],
): PolicyTarget | undefined {
  const { sectionName } = ref;
  if (object.kind === httpRoute) {
    const route = served.find((each) => each.object === object);
    const named = (object as ServedRoute["object"]).spec.rules.flatMap(({ name }, index) =>
      name === sectionName ? [index] : [],
    );
    if (sectionName !== undefined && named.length === 0) return undefined;
    const rules = sectionName === undefined ? undefined : named;
    return { ref, object, routes: route === undefined ? [] : [route], rules, gateways: route?.gateways ?? [] };
  }
  if (object.kind !== gateway) return { ref, object, routes: [], rules: undefined, gateways: [] };
  const parent = object as ServedRoute["gateways"][number];
  if (sectionName !== undefined && !parent.spec.listeners.some(({ name }) => name === sectionName)) return undefined;
  const routes = served.filter(({ gateways, attached }) =>
    sectionName === undefined
      ? gateways.includes(parent)
      : attached.some((each) => each.gateway === parent && each.name === sectionName),
  );
  return { ref, object, routes, rules: undefined, gateways: [parent] };
}
