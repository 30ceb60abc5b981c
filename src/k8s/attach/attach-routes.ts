import type { Fault } from "../condition.ts";
import { gateway } from "../kinds/gateway.ts";
import { namespace } from "../kinds/core.ts";
import { httpRoute, type ParentRef } from "../kinds/http-route.ts";
import { selects } from "../selectors.ts";
import type { Workspace } from "../workspace.ts";
import type { GatewayObject, HttpRouteObject } from "./attachment.ts";
import { hostsMeet } from "./hostnames.ts";
import type { ListenerState } from "./listeners.ts";

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
  /** Whether a folder names a Gateway that is not in it: the route is served on `listen` itself. */
  readonly main: boolean;
}

/** Finds the listeners of every route. */
export function attachRoutes(workspace: Workspace, listeners: readonly ListenerState[]): readonly Attachment[] {
  const byGateway = Map.groupBy(listeners, (listener) => listener.gateway);
  return workspace.objects.list(httpRoute).map((route) => attach(workspace, byGateway, route));
}

function attach(
  workspace: Workspace,
  byGateway: ReadonlyMap<GatewayObject, readonly ListenerState[]>,
  route: HttpRouteObject,
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
    if (ref.group !== gateway.group || ref.kind !== gateway.kind) {
      remark(index, `${ref.kind} ${ref.name} is no Gateway: left to whoever serves that`);
      continue;
    }
    const home = ref.namespace ?? route.namespace;
    const parent = objects.get(gateway, home, ref.name);
    const own = parent && byGateway.get(parent);
    if (parent !== undefined && own !== undefined) {
      const state = attachTo(workspace, route, ref, parent, own);
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
      main = true;
      remark(
        index,
        `there is no Gateway ${ref.name} in namespace ${home} here: the route is served on the port of \`listen\``,
      );
    }
  }
  return { route, parents, main };
}

/* In the order in which a route is refused (gateway-api, conformance): no such listener, not let in, not its hosts. */
function attachTo(
  workspace: Workspace,
  route: HttpRouteObject,
  ref: ParentRef,
  parent: GatewayObject,
  listeners: readonly ListenerState[],
): ParentState {
  const refuse = (reason: string, message: string): ParentState => ({
    ref,
    gateway: parent,
    listeners: [],
    fault: { reason, message },
  });
  const where = `Gateway ${parent.namespace}/${parent.name}`;
  const named = listeners.filter(
    ({ spec }) =>
      (ref.sectionName === undefined || spec.name === ref.sectionName) &&
      (ref.port === undefined || spec.port === ref.port),
  );
  if (named.length === 0) {
    const asked = [
      ref.sectionName === undefined ? "" : ` named ${ref.sectionName}`,
      ref.port === undefined ? "" : ` on port ${ref.port}`,
    ];
    return refuse("NoMatchingParent", `${where} has no listener${asked.join("")}`);
  }
  const open = named.filter((listener) => lets(workspace, listener, route));
  if (open.length === 0) {
    const message = `no listener of ${where} takes HTTPRoutes of namespace ${route.namespace} (allowedRoutes)`;
    return refuse("NotAllowedByListeners", message);
  }
  const fitting = open.filter(({ spec }) => hostsMeet(spec.hostname, route.spec.hostnames));
  if (fitting.length === 0) {
    const message = `no listener of ${where} is for ${route.spec.hostnames?.join(", ")}`;
    return refuse("NoMatchingListenerHostname", message);
  }
  return { ref, gateway: parent, listeners: fitting, fault: undefined };
}

function lets(
  { objects, options }: Workspace,
  { gateway: parent, spec, supportedKinds }: ListenerState,
  route: HttpRouteObject,
) {
  if (!supportedKinds.some(({ group, kind }) => group === route.kind.group && kind === route.kind.kind)) return false;
  const { from, selector } = spec.allowedRoutes.namespaces;
  switch (from) {
    case "All":
      return true;
    case "Same":
      return parent.namespace === route.namespace;
    case "Selector": {
      const found = objects.get(namespace, "", route.namespace);
      /* What a namespace that is not here is called, nobody knows. */
      if (found === undefined && options.source === "folder") return true;
      /* An API server gives every namespace this label (well-known labels). */
      const labels = { ...found?.metadata.labels, "kubernetes.io/metadata.name": route.namespace };
      return selector !== undefined && selects(selector, labels);
    }
  }
}
