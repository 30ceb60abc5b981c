import { conditionsOf, invalidStatus } from "../condition.ts";
import type { PolicyContext, RefusedPolicy } from "./define-policy.ts";

/** Says that a policy of ours cannot even be read. */
export const tellRefused = ({ manifest, reason, status }: RefusedPolicy): void =>
  status(invalidStatus(manifest.metadata.generation, reason));

/** The status of a policy of ours. `invalid`: why it is refused. */
export function tellAccepted(
  { object, targets, missing, status }: Pick<PolicyContext<unknown>, "object" | "targets" | "missing" | "status">,
  invalid?: string,
): void {
  const { generation } = object.metadata;
  const condition = conditionsOf(generation);
  const lost = missing.map(({ kind, name }) => `${kind} ${name}`).join(", ");
  const accepted =
    invalid !== undefined
      ? condition("Accepted", "False", "Invalid", invalid)
      : targets.length === 0 && missing.length > 0
        ? condition("Accepted", "False", "TargetNotFound", `There is no ${lost} in namespace ${object.namespace}.`)
        : condition("Accepted", "True", "Accepted", "The policy is in force.");
  const resolved =
    missing.length === 0
      ? condition("ResolvedRefs", "True", "ResolvedRefs", "All targets are there.")
      : condition("ResolvedRefs", "False", "TargetNotFound", `There is no ${lost} in namespace ${object.namespace}.`);
  status({
    ...(generation !== undefined && { observedGeneration: generation }),
    conditions: [accepted, resolved],
  });
}
