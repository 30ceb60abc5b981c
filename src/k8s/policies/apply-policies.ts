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
      tell({ ...refused, reason: reasonOf(refused), ...workspace.contextOf(refused) });
    }
    const contexts = workspace.objects
      .list(kind)
      .toSorted(byAge)
      .map((object): PolicyContext<unknown> => {
        const context = workspace.contextOf(object);
        const refs = targets(object);
        const found: PolicyTarget[] = [];
        const missing: TargetRef[] = [];
        for (const ref of refs) {
          const target = findTarget(workspace, object.namespace, ref);
          const resolved = target && resolve(ref, target, served);
          if (resolved === undefined) {
            missing.push(ref);
            const section = ref.sectionName === undefined ? "" : ` with ${ref.sectionName}`;
            const message = `there is no ${ref.kind} ${ref.name}${section} in namespace ${object.namespace}: it has no effect there`;
            context.warn({ path: ref.path, message });
          } else found.push(resolved);
        }
        return {
          object,
          targets: found,
          missing,
          ...context,
          tag: ({ name }, tags) => workspace.pieces.edit(["routes", name], (value) => tagged(value, tags)),
          refuse(remark: Remark) {
            context.refuse(remark);
            closeClaims(workspace, object, served);
          },
        };
      });
    apply(contexts);
  }
}

function tagged(route: unknown, tags: readonly PartsTag[]): unknown {
  if (!isMap(route)) return route;
  const known = Array.isArray(route["tags"]) ? (route["tags"] as readonly unknown[]) : [];
  return { ...route, tags: [...known, ...tags] };
}

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
