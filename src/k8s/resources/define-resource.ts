import type { ServedRoute } from "../attach/attachment.ts";
import type { Kind } from "../kinds/define-kind.ts";
import type { KubeObject } from "../parse-object.ts";
import type { ObjectContext } from "../workspace.ts";

/** One object that is configuration by itself, and where to put what comes of it. */
export interface ResourceContext<S> extends ObjectContext {
  readonly object: KubeObject<S>;
  /** The routes that name it as a backend. */
  readonly usedBy: readonly ServedRoute[];
}

/** A kind that is neither a route nor a policy, such as a pool: one file, and one entry in `registry.ts`. */
export interface ResourceDefinition<S> {
  readonly kind: Kind<S>;
  /** What `to` of a rule says for a backendRef to such an object, such as `{ pool: "default/llama" }`; undefined: it is no backend. */
  readonly backend: ((object: KubeObject<S>) => Readonly<Record<string, unknown>>) | undefined;
  /** All objects of the kind at once, by namespace and name. */
  readonly translate: (resources: readonly ResourceContext<S>[]) => void;
}

/* What a registry holds: definitions of kinds that have nothing in common. Each is given objects of its own kind alone. */
export type AnyResource = ResourceDefinition<unknown>;

export const defineResource = <S>(resource: ResourceDefinition<S>): AnyResource => resource as AnyResource;
