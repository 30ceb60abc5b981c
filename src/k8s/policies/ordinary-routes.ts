import type { ServedRoute } from "../attach/attachment.ts";
import { gateway } from "../kinds/gateway.ts";
import { inferencePool } from "../kinds/inference-pool.ts";
import type { PolicyContext } from "./define-policy.ts";

/**
 * Says which routes of a Gateway a policy on calls of models passes by: ordinary services stand beside models on one Gateway, and a
 * policy of that is no reason to take them for model servers.
 */
export function warnOfOrdinaryRoutes({ targets, warn }: PolicyContext<unknown>): void {
  for (const { object, ref, routes } of targets) {
    if (object.kind !== gateway) continue;
    const ordinary = routes.filter((route) => !servesModels(route));
    const [first] = ordinary;
    if (first === undefined) continue;
    warn({
      path: ref.path,
      message: `is for calls of models: ${ordinary.length === 1 ? "a route" : `${ordinary.length} routes`} to Services alone, such as ${first.name}, ${ordinary.length === 1 ? "is" : "are"} passed on unread; a policy that names such a route takes its Services for model servers`,
    });
  }
}

const servesModels = ({ ai, object }: ServedRoute): boolean =>
  ai || object.spec.rules.some(({ backendRefs = [] }) => backendRefs.some(({ kind }) => kind === inferencePool.kind));
