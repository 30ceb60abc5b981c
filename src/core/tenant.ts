import type { Exchange, Route } from "./exchange.ts";
import type { Operation } from "./operation.ts";

/** By what it is told which tenant a call is for. */
export interface TenantScope extends Pick<Exchange, "principal"> {
  readonly route?: Pick<Route, "tenant"> | undefined;
}

/**
 * The tenant that an operation is counted, kept and reported under: the caller's own, else the one whose tool or agent is called, else
 * that of the route; empty where there is none. It says nothing of who calls: `principal.tenant` alone does.
 */
export function tenantOf({ principal, route }: TenantScope, operation?: Pick<Operation, "tenant">): string {
  return principal.tenant || operation?.tenant || route?.tenant || "";
}
