import type { ServedRoute } from "../attach/attachment.ts";
import { a2aAgent } from "../kinds/a2a-agent.ts";
import { mcpServer } from "../kinds/mcp-server.ts";
import { isMap, type JsonMap, type Manifest } from "../manifest.ts";
import type { KubeObject } from "../parse-object.ts";
import type { Workspace } from "../workspace.ts";

/** A policy that is refused, whether it could be read or not. */
type Refused = Pick<KubeObject<unknown>, "kind" | "namespace" | "manifest">;

/* No name below it is ever resolved (RFC 2606, section 2). */
const NOWHERE = "http://a-policy-could-not-be-applied.invalid/";

/**
 * Closes what a refused policy is for: without it that would be open wider than somebody has said. Requests of routes are answered 500,
 * servers and agents are not to be reached. Where not even its targets can be told, all that its
 * namespace has is closed, and what others attach to its Gateways.
 */
export function closeClaims(workspace: Workspace, refused: Refused, served: readonly ServedRoute[]): void {
  const isClaimed = isClaimedBy(refused);
  for (const { object, name, gateways } of served)
    if ([object, ...gateways].some(isClaimed))
      closeRoute(workspace, name, "a policy of this route could not be applied");
  for (const object of targetsBesideRoutes(workspace, refused.namespace))
    if (isClaimed(object)) closeTarget(workspace, object);
}

/** Answers requests of a route 500; the log says why. */
export function closeRoute({ pieces }: Workspace, name: string, why: string): void {
  pieces.edit(["routes", name], (value) => {
    if (!isMap(value)) return value;
    const rules = Array.isArray(value["rules"]) ? (value["rules"] as JsonMap[]) : [];
    return { ...value, rules: rules.map(({ match }) => ({ match, to: [{ unresolved: why }] })) };
  });
}

/** Servers and agents, of a namespace or of all. */
export const targetsBesideRoutes = ({ objects }: Workspace, namespace?: string): readonly KubeObject<unknown>[] => [
  ...objects.list(mcpServer, namespace),
  ...objects.list(a2aAgent, namespace),
];

/** Puts a server or an agent out of reach. */
export function closeTarget({ pieces }: Workspace, { kind, namespace, name }: KubeObject<unknown>): void {
  const branch = kind === mcpServer ? ["mcp", "servers"] : ["a2a", "agents"];
  pieces.edit([...branch, `${namespace}/${name}`], (value) => ({ ...(isMap(value) && value), url: NOWHERE }));
}

/** The targets of a policy as they stand there; none where they cannot be told. */
export function claimsOf({ spec }: Pick<Manifest, "spec">): readonly Claim[] {
  const { targetRef, targetRefs } = isMap(spec) ? spec : {};
  const refs = [targetRef, ...(Array.isArray(targetRefs) ? (targetRefs as unknown[]) : [])].filter(isMap);
  const claims = refs.flatMap(({ group, kind, name }) =>
    typeof kind === "string" && typeof name === "string"
      ? [{ ...(typeof group === "string" && { group }), kind, name }]
      : [],
  );
  return claims.length === refs.length ? claims : [];
}

interface Claim {
  readonly group?: string;
  readonly kind: string;
  readonly name: string;
}

/* Whether an object is one that the policy names, or, where that cannot be told, of its namespace. */
function isClaimedBy({ manifest, namespace }: Refused) {
  const claims = claimsOf(manifest);
  return (object: Pick<KubeObject<unknown>, "kind" | "namespace" | "name">) =>
    object.namespace === namespace &&
    (claims.length === 0 || claims.some(({ kind, name }) => object.kind.kind === kind && object.name === name));
}
