import { groupOf } from "../manifest.ts";
import { a2aAgent } from "./a2a-agent.ts";
import { accessPolicy } from "./access-policy.ts";
import { backendTlsPolicy } from "./backend-tls-policy.ts";
import { budget } from "./budget.ts";
import { configMap, endpointSlice, namespace, pod, secret, service } from "./core.ts";
import type { Kind } from "./define-kind.ts";
import { gateway } from "./gateway.ts";
import { gatewayClass } from "./gateway-class.ts";
import { httpRoute } from "./http-route.ts";
import { inferencePool, oldInferencePool } from "./inference-pool.ts";
import { mcpServer } from "./mcp-server.ts";
import { referenceGrant } from "./reference-grant.ts";
import { tokenRateLimitPolicy } from "./token-rate-limit-policy.ts";
import { trafficPolicy } from "./traffic-policy.ts";

/** Every kind that is read: one file and one entry each. */
export const kinds: readonly Kind<unknown>[] = [
  gatewayClass,
  gateway,
  httpRoute,
  referenceGrant,
  backendTlsPolicy,
  service,
  endpointSlice,
  pod,
  namespace,
  secret,
  configMap,
  inferencePool,
  oldInferencePool,
  trafficPolicy,
  tokenRateLimitPolicy,
  mcpServer,
  a2aAgent,
  accessPolicy,
  budget,
];

const byName = new Map(kinds.map((kind) => [`${kind.group}/${kind.kind}`, kind]));

/** The kind of that name, whatever its version. */
export function findKind(group: string, kind: string): Kind<unknown> | undefined {
  return byName.get(`${group}/${kind}`);
}

/** The kind of an object, and whether the version it is written in is one that is read. */
export function kindOf(object: { readonly apiVersion: string; readonly kind: string }) {
  const kind = findKind(groupOf(object), object.kind);
  const version = object.apiVersion.slice(object.apiVersion.indexOf("/") + 1);
  return kind === undefined ? undefined : { kind, version, read: kind.versions.includes(version) };
}
