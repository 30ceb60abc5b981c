import type { Condition } from "../condition.ts";
import type { PolicyContext, PolicyTarget } from "./define-policy.ts";

/* PolicyStatus (gateway.networking.k8s.io) has room for no more. */
const MOST_ANCESTORS = 16;

/** `status.ancestors` of a policy: the Gateways it is seen at, and each target that is not there. */
export function ancestorsOf(
  {
    targets,
    missing,
    object,
    options,
  }: Pick<PolicyContext<unknown>, "missing" | "object" | "options"> & {
    readonly targets: readonly Pick<PolicyTarget, "gateways">[];
  },
  conditions: readonly Condition[],
) {
  const gateways = [...new Set(targets.flatMap((target) => target.gateways))].map(({ kind, namespace, name }) => ({
    group: kind.group,
    kind: kind.kind,
    namespace,
    name,
  }));
  const absent = missing.map(({ group, kind, name }) => ({ group, kind, namespace: object.namespace, name }));
  const { controllerName } = options;
  return [...gateways, ...(gateways.length === 0 ? absent : [])]
    .slice(0, MOST_ANCESTORS)
    .map((ancestorRef) => ({ ancestorRef, controllerName, conditions }));
}
