import { backendTlsPolicy } from "./kinds/backend-tls-policy.ts";
import { budget } from "./kinds/budget.ts";
import { gateway } from "./kinds/gateway.ts";
import { gatewayClass } from "./kinds/gateway-class.ts";
import type { Kind } from "./kinds/define-kind.ts";
import { httpRoute } from "./kinds/http-route.ts";
import { policies } from "./policies/registry.ts";

/** A kind of which there may be objects, and nobody knows which. */
export interface UnknownKind {
  readonly kind: Kind<unknown>;
  /** Undefined: in every namespace. */
  readonly namespace: string | undefined;
}

const carriers: readonly Kind<unknown>[] = [gatewayClass, gateway, httpRoute];
const isPolicy = (kind: Kind<unknown>): boolean => policies.some((policy) => policy.kind === kind);

/** Whether no route is served for as long as a kind is unknown: none is known without it, or each may be one that it guards. */
export const isVital = (kind: Kind<unknown>): boolean =>
  carriers.includes(kind) || kind === backendTlsPolicy || isPolicy(kind);

/** A kind of policies of which nobody knows whether they hold for what belongs to these namespaces. */
export const unknownGuard = (
  unknown: readonly UnknownKind[],
  namespaces: readonly string[],
): Kind<unknown> | undefined =>
  unknown.find(
    ({ kind, namespace }) =>
      isPolicy(kind) &&
      /* A Budget without targets is for the callers of its namespace, wherever they call. */
      (namespace === undefined || namespaces.includes(namespace) || kind.plural === budget.plural),
  )?.kind;
