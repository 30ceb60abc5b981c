import type { Fault } from "../condition.ts";
import { gateway } from "../kinds/gateway.ts";
import { namespace } from "../kinds/core.ts";
import { httpRoute, type ParentRef } from "../kinds/http-route.ts";
import { isPlatform } from "../options.ts";
import type { Workspace } from "../workspace.ts";
import type { GatewayObject, HttpRouteObject } from "./attachment.ts";
import { hostsMeet } from "./hostnames.ts";
import type { ListenerState } from "./listeners.ts";
import type { PlatformHosts } from "./platform-hosts.ts";
import { pathsFault } from "./route-paths.ts";
import { isGatewayRef, letsIn, namesListener, reservedHost } from "./takes-route.ts";

/** What came of one parentRef to a Gateway of this gateway's. */
export interface ParentState {
  readonly ref: ParentRef;
  readonly gateway: GatewayObject;
  /** The listeners that take the route; none where `fault` says why. */
  readonly listeners: readonly ListenerState[];
  readonly fault: Fault | undefined;
}

/** A route and what it is attached to. */
export interface Attachment {
  readonly route: HttpRouteObject;
  readonly parents: readonly ParentState[];
  /** Whether a folder names a Gateway that is not in it: on a laptop the route is served on `listen` itself. */
  readonly main: boolean;
}

/** Finds the listeners of every route. */
export function attachRoutes(
  workspace: Workspace,
  listeners: readonly ListenerState[],
  platformHosts: PlatformHosts,
): readonly Attachment[] {
  const byGateway = Map.groupBy(listeners, (listener) => listener.gateway);
  return workspace.objects
    .list(httpRoute)
    .map((route) => attach(workspace, byGateway, route, reservedHost(platformHosts, route)));
}

function attach(
  workspace: Workspace,
  byGateway: ReadonlyMap<GatewayObject, readonly ListenerState[]>,
  route: HttpRouteObject,
  reserved: Fault | undefined,
): Attachment {
  const { objects, options } = workspace;
  const { warn, refuse } = workspace.contextOf(route);
  const refs = route.spec.parentRefs ?? [];
  const parents: ParentState[] = [];
  let main = false;
  const remark = (index: number, message: string) => {
    if (options.source === "folder") warn({ path: ["spec", "parentRefs", index], message });
  };
  if (refs.length === 0 && options.source === "folder")
    warn({ path: ["spec"], message: "names no Gateway in parentRefs: it is not served" });
  for (const [index, ref] of refs.entries()) {
    if (!isGatewayRef(ref)) {
      remark(index, `${ref.kind} ${ref.name} is no Gateway: left to whoever serves that`);
      continue;
    }
    const home = ref.namespace ?? route.namespace;
    const parent = objects.get(gateway, home, ref.name);
    const own = parent && byGateway.get(parent);
    if (parent !== undefined && own !== undefined) {
      const state = attachTo(workspace, route, ref, parent, own, reserved);
      parents.push(state);
      const selected = state.listeners.some(({ spec }) => spec.allowedRoutes.namespaces.from === "Selector");
      if (selected && objects.get(namespace, "", route.namespace) === undefined)
        remark(
          index,
          `Namespace ${route.namespace} is not here: its labels are taken for those that the listener asks for`,
        );
      if (state.fault !== undefined && options.source === "folder")
        refuse({ path: ["spec", "parentRefs", index], message: state.fault.message });
    } else if (parent !== undefined) {
      remark(index, `Gateway ${home}/${ref.name} is not this gateway's: the route is not served there`);
    } else if (options.source === "folder" && objects.refused(gateway, home, ref.name) === undefined) {
      const missing = `there is no Gateway ${ref.name} in namespace ${home} here`;
      const at = { path: ["spec", "parentRefs", index] };
      /* What the Gateway asks of its routes is not known: credentials, guards, limits. */
      if (options.formerGateways.has(`${home}/${ref.name}`))
        refuse({ ...at, message: `${missing} any more: take it out of this route, too` });
      else if (reserved !== undefined) refuse({ ...at, message: reserved.message });
      else if (options.listen.local) {
        main = true;
        remark(index, `${missing}: the route is served on the port of \`listen\``);
      } else remark(index, `${missing}: the route is not served, as \`listen\` answers more than this machine`);
    }
  }
  return { route, parents, main };
}

/* In the order in which a route is refused (gateway-api, conformance): no such listener, not let in, hosts of others, not its hosts. */
function attachTo(
  workspace: Workspace,
  route: HttpRouteObject,
  ref: ParentRef,
  parent: GatewayObject,
  listeners: readonly ListenerState[],
  reserved: Fault | undefined,
): ParentState {
  const refuse = (reason: string, message: string): ParentState => ({
    ref,
    gateway: parent,
    listeners: [],
    fault: { reason, message },
  });
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
  if (outside !== undefined) return refuse(outside.reason, outside.message);
  /* A listener of the platform's own with a hostname says by its allowedRoutes who may have paths beside the gateway's there. */
  const shared = isPlatform(workspace.options, parent.namespace) ? open.filter(({ spec }) => spec.hostname) : [];
  if (reserved !== undefined && shared.length === 0) return refuse(reserved.reason, reserved.message);
  const able = reserved === undefined ? open : shared;
  const fitting = able.filter(({ spec }) => hostsMeet(spec.hostname, route.spec.hostnames));
  if (fitting.length === 0) {
    const message = `no listener of ${where} is for ${route.spec.hostnames?.join(", ")}`;
    return refuse("NoMatchingListenerHostname", message);
  }
  return { ref, gateway: parent, listeners: fitting, fault: undefined };
}
