import { createHash } from "node:crypto";
import { defaultOptions } from "../options.ts";

/**
 * Replicas of one gateway use the same Lease. Gateways that look after other objects have one each: of two that shared it, one would never
 * write a status.
 */
export function leaseName(controllerName: string, namespaces: readonly string[]): string {
  if (controllerName === defaultOptions.controllerName && namespaces.length === 0) return "sallyport";
  const scope = JSON.stringify([controllerName, ...new Set(namespaces.toSorted())]);
  return `sallyport-${createHash("sha256").update(scope).digest("hex").slice(0, 12)}`;
}
