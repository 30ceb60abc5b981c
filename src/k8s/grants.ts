import { referenceGrant } from "./kinds/reference-grant.ts";
import type { Objects } from "./objects.ts";

/** What refers to something. */
export interface Referrer {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
}

/** What is referred to. */
export interface Referent extends Referrer {
  readonly name: string;
}

/** Whether one namespace lets objects of another refer to what is in it (ReferenceGrant); within a namespace everybody may. */
export function isGranted(objects: Objects, from: Referrer, to: Referent): boolean {
  if (from.namespace === to.namespace) return true;
  return objects
    .list(referenceGrant, to.namespace)
    .some(
      ({ spec }) =>
        spec.from.some(
          ({ group, kind, namespace }) => group === from.group && kind === from.kind && namespace === from.namespace,
        ) &&
        spec.to.some(
          ({ group, kind, name }) => group === to.group && kind === to.kind && (name === undefined || name === to.name),
        ),
    );
}
