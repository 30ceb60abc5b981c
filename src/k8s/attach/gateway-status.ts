import { type Condition, type Fault, toCondition } from "../condition.ts";
import type { Workspace } from "../workspace.ts";
import type { Attachment } from "./attach-routes.ts";
import type { GatewayObject } from "./attachment.ts";
import { gatewayFault } from "./listener-faults.ts";
import type { ListenerState } from "./listeners.ts";
import { ROUTE_PATHS, routePathsFault } from "./route-paths.ts";

/** Says of every Gateway and each of its listeners what became of it. `accepted`: the routes that are served. */
export function reportGateways(
  workspace: Workspace,
  gateways: readonly GatewayObject[],
  listeners: readonly ListenerState[],
  accepted: readonly Attachment[],
): void {
  const attached = new Map<ListenerState, number>();
  for (const { parents } of accepted)
    for (const listener of new Set(parents.flatMap((parent) => parent.listeners)))
      attached.set(listener, (attached.get(listener) ?? 0) + 1);
  const byGateway = Map.groupBy(listeners, (listener) => listener.gateway);
  for (const object of gateways) {
    const own = byGateway.get(object) ?? [];
    const { status, warn, refuse } = workspace.contextOf(object);
    /* In a folder nothing is taken in part: what a cluster's other listeners go on without is for its author to mend. */
    const refuseOrWarn = workspace.options.source === "folder" ? refuse : warn;
    const whole = gatewayFault(object.spec);
    if (whole !== undefined) refuseOrWarn({ path: ["spec"], message: whole.message });
    const paths = routePathsFault(object);
    if (paths !== undefined) warn({ path: ["metadata", "annotations", ROUTE_PATHS], message: paths });
    const reported = own.map((listener) => {
      const unbound = listener.serves === undefined ? undefined : workspace.options.unbound.get(listener.serves);
      const path = ["spec", "listeners", listener.index];
      if (listener.unaccepted !== undefined) refuseOrWarn({ path, message: listener.unaccepted.message });
      else if (listener.unresolved !== undefined) warn({ path, message: listener.unresolved.message });
      return {
        name: listener.spec.name,
        supportedKinds: listener.supportedKinds,
        attachedRoutes: attached.get(listener) ?? 0,
        conditions: listenerConditions(listener, unbound),
      };
    });
    status({
      addresses: workspace.options.addresses,
      conditions: gatewayConditions(object, own, reported),
      listeners: reported,
    });
  }
}

function listenerConditions(listener: ListenerState, unbound: string | undefined): Condition[] {
  const { gateway, unaccepted, conflict, unresolved, serves } = listener;
  const { metadata } = gateway;
  const programmed: Fault | undefined =
    serves === undefined
      ? { reason: "Invalid", message: (unaccepted ?? unresolved ?? gatewayFault(gateway.spec))?.message ?? "" }
      : unbound === undefined
        ? undefined
        : { reason: "Pending", message: unbound };
  /* Conflicted is good when it is False. */
  const conflicted: Condition = {
    ...toCondition("Conflicted", conflict, metadata, { reason: "NoConflicts", message: "" }),
    status: conflict === undefined ? "False" : "True",
  };
  return [
    toCondition("Accepted", unaccepted, metadata),
    toCondition("Programmed", programmed, metadata),
    toCondition("ResolvedRefs", unresolved, metadata),
    conflicted,
  ];
}

function gatewayConditions(
  { metadata, spec }: GatewayObject,
  listeners: readonly ListenerState[],
  reported: readonly { readonly conditions: readonly Condition[] }[],
): Condition[] {
  const bad = listeners.filter(({ unaccepted }) => unaccepted !== undefined);
  const names = bad.map((each) => each.spec.name).join(", ");
  const listenersNotValid = { reason: "ListenersNotValid", message: `not served: ${names}` };
  const fault = gatewayFault(spec) ?? (bad.length === listeners.length ? listenersNotValid : undefined);
  const good = bad.length > 0 ? listenersNotValid : { reason: "Accepted", message: "" };
  const programmed = reported.some(({ conditions }) =>
    conditions.some(({ type, status }) => type === "Programmed" && status === "True"),
  );
  return [
    toCondition("Accepted", fault, metadata, good),
    toCondition(
      "Programmed",
      programmed ? undefined : { reason: "Invalid", message: fault?.message ?? "no listener is served" },
      metadata,
    ),
  ];
}
