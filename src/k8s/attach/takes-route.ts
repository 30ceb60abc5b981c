import type { ListenerSpec } from "../kinds/gateway.ts";
import { gateway as gatewayKind } from "../kinds/gateway.ts";
import { namespace as namespaceKind } from "../kinds/core.ts";
import type { ParentRef } from "../kinds/http-route.ts";
import { isPlatform } from "../options.ts";
import { selects } from "../selectors.ts";
import type { Workspace } from "../workspace.ts";
import type { GatewayObject, HttpRouteObject } from "./attachment.ts";
import type { Fault } from "../condition.ts";
import { hostsMeet } from "./hostnames.ts";
import type { RouteKind } from "./listener-faults.ts";
import type { PlatformHosts } from "./platform-hosts.ts";
import { pathsFault } from "./route-paths.ts";

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
const namesListener = ({ sectionName, port }: ParentRef, spec: ListenerSpec): boolean =>
  (sectionName === undefined || spec.name === sectionName) && (port === undefined || spec.port === port);

/** Whether a listener takes a route, by its `allowedRoutes`. */
function letsIn({ objects, options }: Workspace, taker: RouteTaker, route: HttpRouteObject): boolean {
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

/** What is asked of the listeners of a Gateway. */
export interface Asked<L> {
  readonly route: HttpRouteObject;
  readonly ref: ParentRef;
  readonly parent: GatewayObject;
  readonly listeners: readonly L[];
  /** Why the route cannot have one of its hosts. */
  readonly reserved: Fault | undefined;
}

/**
 * The listeners that a parentRef of a route leads to. In the order in which a route is refused (gateway-api, conformance): no such
 * listener, not let in, hosts of others, not its hosts.
 */
export function findTakers<L extends RouteTaker>(
  workspace: Workspace,
  { route, ref, parent, listeners, reserved }: Asked<L>,
): { readonly listeners: readonly L[] } | { readonly fault: Fault } {
  const refuse = (reason: string, message: string) => ({ fault: { reason, message } });
  const where = `Gateway ${parent.namespace}/${parent.name}`;
  const named = listeners.filter(({ spec }) => namesListener(ref, spec));
  if (named.length === 0) {
    const asked = [
      ref.sectionName === undefined ? "" : ` named ${ref.sectionName}`,
      ref.port === undefined ? "" : ` on port ${ref.port}`,
    ];
    return refuse("NoMatchingParent", `${where} has no listener${asked.join("")}`);
  }
  const open = named.filter((listener) => letsIn(workspace, listener, route));
  if (open.length === 0) {
    const message = `no listener of ${where} takes HTTPRoutes of namespace ${route.namespace} (allowedRoutes)`;
    return refuse("NotAllowedByListeners", message);
  }
  const outside = pathsFault(parent, route);
  if (outside !== undefined) return { fault: outside };
  /* A listener of the platform's own with a hostname says by its allowedRoutes who may have paths beside the gateway's there. */
  const shared = isPlatform(workspace.options, parent.namespace) ? open.filter(({ spec }) => spec.hostname) : [];
  if (reserved !== undefined && shared.length === 0) return { fault: reserved };
  const able = reserved === undefined ? open : shared;
  const fitting = able.filter(({ spec }) => hostsMeet(spec.hostname, route.spec.hostnames));
  if (fitting.length > 0) return { listeners: fitting };
  const message = `no listener of ${where} is for ${route.spec.hostnames?.join(", ")}`;
  return refuse("NoMatchingListenerHostname", message);
}
