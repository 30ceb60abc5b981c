import type { ServedRoute } from "../attach/attachment.ts";
import { SALLYPORT_GROUP } from "../kinds/own-words.ts";
import { unknownGuard } from "../unknown-kinds.ts";
import type { Workspace } from "../workspace.ts";
import { closeRoute, closeTarget, targetsBesideRoutes } from "./close-claims.ts";

/**
 * Closes what policies of a kind that cannot be read may be for: nobody knows whom they would have kept out. Those of others name routes
 * and Gateways, our own ones servers and agents too.
 */
export function closeUnknown(workspace: Workspace, served: readonly ServedRoute[]): void {
  const { unknown } = workspace.options;
  for (const { object, name, gateways } of served) {
    const guard = unknownGuard(unknown, [object.namespace, ...gateways.map(({ namespace }) => namespace)]);
    if (guard !== undefined) closeRoute(workspace, name, `${guard.plural} cannot be read from the API server`);
  }
  const own = unknown.filter(({ kind }) => kind.group === SALLYPORT_GROUP);
  for (const object of targetsBesideRoutes(workspace))
    if (unknownGuard(own, [object.namespace]) !== undefined) closeTarget(workspace, object);
}
