import { tenantOf, type TenantScope } from "../../core/tenant.ts";
import type { Partition } from "./answer-cache.ts";

/**
 * Where the answers to a principal belong. Those who share have the same credential in all that it allows; a principal of no tenant
 * has nobody to share with: that of its route is not its own.
 */
export function partitionOf(
  caller: TenantScope,
  share: "principal" | "tenant",
  of: Pick<Partition, "model" | "modelIdentity" | "policyHash">,
): Partition {
  const { id, tenant: own, client, scopes, groups, actors } = caller.principal;
  const acting = actors.map(({ issuer, subject }) => [issuer, subject]);
  return {
    tenant: tenantOf(caller),
    principal: share === "tenant" && own !== "" ? undefined : id,
    permissions: JSON.stringify([client, scopes.toSorted(), groups.toSorted(), acting]),
    ...of,
  };
}
