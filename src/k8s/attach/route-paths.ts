import type { Fault } from "../condition.ts";
import type { GatewayObject, HttpRouteObject } from "./attachment.ts";

/**
 * On a Gateway: prefixes such as `/models/{namespace}`, by commas, that routes of other namespaces have to stay within. Without it the
 * longest path wins on a host that several namespaces share, whoever's it is.
 */
export const ROUTE_PATHS = "sallyport.dev/route-paths";

const FORM = /^(?:\/[A-Za-z0-9._~-]+)*\/\{namespace\}(?:\/[A-Za-z0-9._~-]+)*$/;

/** What is wrong with a Gateway's annotation. */
export function routePathsFault({ metadata }: GatewayObject): string | undefined {
  const wrong = prefixesOf(metadata.annotations[ROUTE_PATHS])?.find((prefix) => !FORM.test(prefix));
  return wrong === undefined
    ? undefined
    : `${ROUTE_PATHS}: "${wrong}" is no prefix such as /models/{namespace}: no route of another namespace is taken`;
}

/** Why a Gateway does not take the paths of a route. */
export function pathsFault(gateway: GatewayObject, { namespace, spec }: HttpRouteObject): Fault | undefined {
  const given = prefixesOf(gateway.metadata.annotations[ROUTE_PATHS]);
  if (given === undefined || namespace === gateway.namespace) return undefined;
  const invalid = routePathsFault(gateway);
  const where = `Gateway ${gateway.namespace}/${gateway.name}`;
  if (invalid !== undefined) return { reason: "NotAllowedByListeners", message: `${where}: ${invalid}` };
  const prefixes = given.map((prefix) => prefix.replace("{namespace}", namespace));
  for (const { path } of spec.rules.flatMap(({ matches }) => matches)) {
    const isInside = prefixes.some((prefix) => path.value === prefix || path.value.startsWith(`${prefix}/`));
    if (path.type !== "RegularExpression" && isInside) continue;
    return {
      reason: "NotAllowedByListeners",
      message: `${where} takes routes of namespace ${namespace} at Exact or PathPrefix paths under ${prefixes.join(" or ")} alone (${ROUTE_PATHS}), and not at ${path.type} ${path.value}`,
    };
  }
  return undefined;
}

const prefixesOf = (text: string | undefined): readonly string[] | undefined =>
  text?.split(",").map((prefix) => prefix.trim());
