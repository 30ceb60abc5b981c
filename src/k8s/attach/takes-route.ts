import type { ListenerSpec } from "../kinds/gateway.ts";
import { gateway as gatewayKind } from "../kinds/gateway.ts";
import { namespace as namespaceKind } from "../kinds/core.ts";
import { httpRoute, type ParentRef } from "../kinds/http-route.ts";
import { selects } from "../selectors.ts";
import type { Workspace } from "../workspace.ts";
import type { GatewayObject, HttpRouteObject } from "./attachment.ts";
import type { Fault } from "../condition.ts";
import type { RouteKind } from "./listener-faults.ts";
import type { PlatformHosts } from "./platform-hosts.ts";

/** What of a listener says which routes it takes. */
export interface RouteTaker {
  readonly gateway: GatewayObject;
  readonly spec: ListenerSpec;
  readonly supportedKinds: readonly RouteKind[];
}

/** Whether a parentRef of a route means a Gateway. */
export const isGatewayRef = ({ group, kind }: ParentRef): boolean =>
  group === gatewayKind.group && kind === gatewayKind.kind;

/** Whether a parentRef means this listener of its Gateway. */
export const namesListener = ({ sectionName, port }: ParentRef, spec: ListenerSpec): boolean =>
  (sectionName === undefined || spec.name === sectionName) && (port === undefined || spec.port === port);

/** Whether a listener takes a route, by its `allowedRoutes`. */
export function letsIn({ objects, options }: Workspace, taker: RouteTaker, route: HttpRouteObject): boolean {
  const { gateway: parent, spec, supportedKinds } = taker;
  if (!supportedKinds.some(({ group, kind }) => group === route.kind.group && kind === route.kind.kind)) return false;
  const { from, selector } = spec.allowedRoutes.namespaces;
  switch (from) {
    case "All":
      return true;
    case "Same":
      return parent.namespace === route.namespace;
    case "Selector": {
      const found = objects.get(namespaceKind, "", route.namespace);
      /* What a namespace that is not here is called, nobody knows. */
      if (found === undefined && options.source === "folder") return true;
      /* An API server gives every namespace this label (well-known labels). */
      const labels = { ...found?.metadata.labels, "kubernetes.io/metadata.name": route.namespace };
      return selector !== undefined && selects(selector, labels);
    }
  }
}

/** Why a route cannot have one of its hosts. */
export function reservedHost(platformHosts: PlatformHosts, { namespace, spec }: HttpRouteObject): Fault | undefined {
  for (const host of spec.hostnames ?? []) {
    const fault = platformHosts(namespace, host);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Gives the hosts that routes bring to a listener which names none itself. */
export function createRouteHosts(
  workspace: Workspace,
  platformHosts: PlatformHosts,
): (taker: RouteTaker) => readonly string[] {
  const byParent = new Map<string, { readonly route: HttpRouteObject; readonly ref: ParentRef }[]>();
  for (const route of workspace.objects.list(httpRoute)) {
    if (reservedHost(platformHosts, route) !== undefined) continue;
    for (const ref of route.spec.parentRefs ?? []) {
      if (!isGatewayRef(ref)) continue;
      const key = `${ref.namespace ?? route.namespace}/${ref.name}`;
      const known = byParent.get(key);
      if (known === undefined) byParent.set(key, [{ route, ref }]);
      else known.push({ route, ref });
    }
  }
  return (taker) =>
    (byParent.get(`${taker.gateway.namespace}/${taker.gateway.name}`) ?? []).flatMap(({ route, ref }) =>
      namesListener(ref, taker.spec) && letsIn(workspace, taker, route) ? (route.spec.hostnames ?? []) : [],
    );
}
