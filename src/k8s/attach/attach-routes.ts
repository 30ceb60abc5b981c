import type { Fault } from "../condition.ts";
import { gateway } from "../kinds/gateway.ts";
import { namespace } from "../kinds/core.ts";
import { httpRoute, type ParentRef } from "../kinds/http-route.ts";
import type { Workspace } from "../workspace.ts";
import type { GatewayObject, HttpRouteObject } from "./attachment.ts";
import type { ListenerState, TakenHosts } from "./listeners.ts";
import type { PlatformHosts } from "./platform-hosts.ts";
import { findTakers, isGatewayRef, reservedHost } from "./takes-route.ts";

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
  taken: TakenHosts,
): readonly Attachment[] {
  const byGateway = Map.groupBy(listeners, (listener) => listener.gateway);
  return workspace.objects
    .list(httpRoute)
    .map((route) => attach(workspace, byGateway, route, reservedHost(platformHosts, route), taken));
}

function attach(
  workspace: Workspace,
  byGateway: ReadonlyMap<GatewayObject, readonly ListenerState[]>,
  route: HttpRouteObject,
  reserved: Fault | undefined,
  taken: TakenHosts,
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
      const found = findTakers(workspace, { route, ref, parent, listeners: own, reserved });
      const fault = "fault" in found ? found.fault : taken.get(ref);
      const state = { ref, gateway: parent, listeners: "fault" in found || fault ? [] : found.listeners, fault };
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
