import type { ServedRoute } from "../attach/attachment.ts";
import type { Services } from "../backends/services.ts";
import type { Remark } from "../kinds/define-kind.ts";
import { toMatch } from "./matches.ts";

/** A route in the words of `routes`. */
export function toRoute({ object }: ServedRoute, services: Services, warn: (remark: Remark) => void) {
  const { spec, namespace, metadata } = object;
  return {
    ...(spec.hostnames !== undefined && { hosts: spec.hostnames }),
    auth: "optional",
    tenant: namespace,
    ...(metadata.creationTimestamp !== undefined && { created: metadata.creationTimestamp }),
    rules: spec.rules.map(({ matches, backendRefs = [] }, index) => ({
      match: matches.map(toMatch),
      to: backendRefs.map(({ name, namespace: other = namespace, port = 0, weight }, number) => {
        const resolved = services.resolve(other, name, port, object);
        if ("service" in resolved) return { service: resolved.service, weight };
        warn({ path: ["spec", "rules", index, "backendRefs", number], message: resolved.message });
        return { unresolved: resolved.message, weight };
      }),
    })),
  };
}
