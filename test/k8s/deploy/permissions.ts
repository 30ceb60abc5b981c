import { ApiFailure } from "../api-server/api-failure.ts";
import type { ApiRequest } from "../api-server/api-request.ts";
import type { Manifest } from "./manifests.ts";

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

interface Binding {
  readonly roleRef: { readonly kind: string; readonly name: string };
}

/** Decides as an API server does what an account may that the roles among these objects are bound to: a 403, or undefined. */
export function createPermissions(objects: readonly Manifest[]): (request: ApiRequest) => ApiFailure | undefined {
  const bound = objects
    .filter(({ kind }) => kind === "RoleBinding" || kind === "ClusterRoleBinding")
    .flatMap((binding) => {
      const { roleRef } = binding as unknown as Binding;
      const role = objects.find(({ kind, metadata }) => kind === roleRef.kind && metadata.name === roleRef.name);
      const { rules = [] } = (role ?? {}) as { readonly rules?: readonly Rule[] };
      const namespace = binding.kind === "RoleBinding" ? binding.metadata.namespace : undefined;
      return rules.map((rule) => ({ rule, namespace }));
    });
  return ({ verb, resource, namespace, name, subresource }) => {
    const wanted = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
    const isAllowed = bound.some(
      ({ rule, namespace: only }) =>
        (only === undefined || only === namespace) &&
        rule.apiGroups.includes(resource.group) &&
        rule.resources.includes(wanted) &&
        rule.verbs.includes(verb) &&
        (rule.resourceNames === undefined || rule.resourceNames.includes(name ?? "")),
    );
    return isAllowed
      ? undefined
      : new ApiFailure(403, "Forbidden", `${verb} ${wanted} in ${namespace ?? "the cluster"} is forbidden`);
  };
}
