import { gateway } from "../kinds/gateway.ts";
import { httpRoute, type ParentRef, parentRefs } from "../kinds/http-route.ts";
import { isMap } from "../manifest.ts";
import { formatConfigPath } from "../../core/config-problem.ts";
import type { Attachment } from "../attach/attach-routes.ts";
import type { GatewayObject } from "../attach/attachment.ts";
import { type Condition, type Fault, toCondition } from "../condition.ts";
import { unknownGuard } from "../unknown-kinds.ts";
import type { Workspace } from "../workspace.ts";

/** Says of a route what became of it at each Gateway of this gateway's; none: there is nothing to say. */
export function reportRoute(workspace: Workspace, { route, parents }: Attachment, unresolved: Fault | undefined): void {
  workspace.contextOf(route).status({
    parents: parents.map(({ ref, gateway: { namespace }, fault }) =>
      parentStatus(workspace, ref, [
        toCondition("Accepted", fault ?? pending(workspace, [route.namespace, namespace]), route.metadata),
        toCondition("ResolvedRefs", unresolved, route.metadata),
      ]),
    ),
  });
}

function pending({ options }: Workspace, namespaces: readonly string[]): Fault | undefined {
  const guard = unknownGuard(options.unknown, namespaces);
  if (guard === undefined) return undefined;
  const message = `${guard.kind} objects, which may hold for it, cannot be read from the API server: its requests are answered 500`;
  return { reason: "Pending", message };
}

/** Says of routes that cannot be honoured why, at each Gateway of this gateway's that they name. */
export function reportRefusedRoutes(workspace: Workspace, gateways: readonly GatewayObject[]): void {
  for (const { kind, namespace, manifest, problems } of workspace.objects.allRefused) {
    if (kind !== httpRoute) continue;
    const named = parentRefs.safeParse(isMap(manifest.spec) ? manifest.spec["parentRefs"] : undefined);
    const [problem] = problems;
    const where = problem === undefined ? "" : formatConfigPath(problem.path);
    const fault = { reason: "UnsupportedValue", message: `${where}: ${problem?.message ?? ""}` };
    const own = (named.data ?? []).filter(
      (ref) =>
        ref.group === gateway.group &&
        ref.kind === gateway.kind &&
        gateways.some((each) => each.name === ref.name && each.namespace === (ref.namespace ?? namespace)),
    );
    workspace.contextOf({ kind, namespace, name: manifest.metadata.name, manifest }).status({
      parents: own.map((ref) =>
        parentStatus(workspace, ref, [
          toCondition("Accepted", fault, manifest.metadata),
          toCondition("ResolvedRefs", undefined, manifest.metadata),
        ]),
      ),
    });
  }
}

/* The reference as it stands there, so that whoever wrote it finds it again. */
const parentStatus = ({ options }: Workspace, parentRef: ParentRef, conditions: readonly Condition[]) => ({
  parentRef,
  controllerName: options.controllerName,
  conditions,
});
