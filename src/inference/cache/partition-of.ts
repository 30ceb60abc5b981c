import type { Principal } from "../../core/principal.ts";
import type { Partition } from "./answer-cache.ts";

/**
 * Where the answers to a principal belong. Those who share have the same credential in all that it allows; a principal of no tenant
 * has nobody to share with.
 */
export function partitionOf(
  { id, tenant, client, scopes, groups, actors }: Principal,
  share: "principal" | "tenant",
  of: Pick<Partition, "model" | "modelIdentity" | "policyHash">,
): Partition {
  const acting = actors.map(({ issuer, subject }) => [issuer, subject]);
  return {
    tenant,
    principal: share === "tenant" && tenant !== "" ? undefined : id,
    permissions: JSON.stringify([client, scopes.toSorted(), groups.toSorted(), acting]),
    ...of,
  };
}
