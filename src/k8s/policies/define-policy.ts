import type { ConfigPath } from "../../core/config-problem.ts";
import type { GatewayObject, ServedRoute } from "../attach/attachment.ts";
import type { Kind } from "../kinds/define-kind.ts";
import type { RefusedObject } from "../objects.ts";
import type { KubeObject } from "../parse-object.ts";
import type { PartsTag } from "./parts.ts";
import type { ObjectContext } from "../workspace.ts";

/** What a policy says it is for; always of its own namespace. */
export interface TargetRef {
  /** Where it stands in the policy. */
  readonly path: ConfigPath;
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  /** A rule of a route, or a listener of a gateway, by name. */
  readonly sectionName?: string | undefined;
}

/** A target that was found. */
export interface PolicyTarget {
  readonly ref: TargetRef;
  readonly object: KubeObject<unknown>;
  /** The routes that it reaches: itself, or those of the gateway or of its listener. */
  readonly routes: readonly ServedRoute[];
  /** The rules of the route that it reaches, by their place in the list; undefined: all of them. */
  readonly rules: readonly number[] | undefined;
  /** The gateways it is seen at: ancestors, in the words of PolicyStatus. */
  readonly gateways: readonly GatewayObject[];
}

/** One policy, what it is for, and where to put what comes of it. */
export interface PolicyContext<S> extends ObjectContext {
  readonly object: KubeObject<S>;
  readonly targets: readonly PolicyTarget[];
  /** Targets that are not there; each is a warning already. */
  readonly missing: readonly TargetRef[];
  /** Gives a route words by which expressions ask for it. */
  readonly tag: (route: ServedRoute, tags: readonly PartsTag[]) => void;
}

/** A policy that is not taken. */
export interface RefusedPolicy extends ObjectContext, Pick<RefusedObject, "manifest" | "namespace" | "name"> {
  readonly because: "Invalid" | "TargetNotFound";
  /** Why, with the paths. */
  readonly reason: string;
}

/** A kind of policy: one file, and one entry in `registry.ts`. */
export interface PolicyDefinition<S> {
  readonly kind: Kind<S>;
  readonly targets: (object: KubeObject<S>) => readonly TargetRef[];
  /** Whether it makes AI routes of those it is for. */
  readonly ai: (object: KubeObject<S>) => boolean;
  /** All policies of the kind at once, the oldest first, then by name: what wins over what is the kind's to say. */
  readonly apply: (policies: readonly PolicyContext<S>[]) => void;
  /** Says in its status that one is not taken. */
  readonly refused: (policy: RefusedPolicy) => void;
}

/* What a registry holds: definitions of kinds that have nothing in common. Each is given objects of its own kind alone. */
export type AnyPolicy = PolicyDefinition<unknown>;

export const definePolicy = <S>(policy: PolicyDefinition<S>): AnyPolicy => policy as AnyPolicy;
