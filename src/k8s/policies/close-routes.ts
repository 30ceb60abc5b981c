import type { ServedRoute } from "../attach/attachment.ts";
import { isMap } from "../manifest.ts";
import type { RefusedObject } from "../objects.ts";
import type { Workspace } from "../workspace.ts";

/**
 * Answers every request of these routes with 500: a policy of theirs cannot be applied, and without it they would be open wider than
 * somebody has said.
 */
export function closeRoutes({ pieces }: Workspace, routes: readonly ServedRoute[]): void {
  for (const { name } of routes)
    pieces.edit(["routes", name], (value) => {
      const rules = isMap(value) && Array.isArray(value["rules"]) ? value["rules"] : [];
      return {
        ...(isMap(value) && value),
        rules: rules.map((rule: { match: unknown }) => ({
          match: rule.match,
          to: [{ unresolved: "a policy of this route could not be applied" }],
        })),
      };
    });
}

/** The routes that a policy which cannot be read is for; where not even that can be told, those of its namespace. */
export function claimedRoutes(
  { manifest, namespace }: RefusedObject,
  served: readonly ServedRoute[],
): readonly ServedRoute[] {
  const spec = isMap(manifest.spec) ? manifest.spec : {};
  const refs = [spec["targetRef"], ...(Array.isArray(spec["targetRefs"]) ? (spec["targetRefs"] as unknown[]) : [])];
  const named = refs.filter(isMap);
  const legible = named.every(({ kind, name }) => typeof kind === "string" && typeof name === "string");
  if (named.length === 0 || !legible) return served.filter(({ object }) => object.namespace === namespace);
  return served.filter(({ object, gateways }) =>
    named.some(({ kind, name }) =>
      [object, ...gateways].some(
        (each) => each.kind.kind === kind && each.name === name && each.namespace === namespace,
      ),
    ),
  );
}
