import type { Fault } from "../condition.ts";
import { isGranted } from "../grants.ts";
import { service } from "../kinds/core.ts";
import type { BackendObject } from "../kinds/http-route-filter.ts";
import type { HttpRouteObject } from "../attach/attachment.ts";
import type { KubeObject } from "../parse-object.ts";
import type { AnyResource } from "../resources/define-resource.ts";
import type { Workspace } from "../workspace.ts";
import { tlsFault } from "./tls-policies.ts";
import { createServices, type ServiceEntry } from "./services.ts";

/** What a backendRef leads to. */
export type Backend =
  | { readonly is: "service"; readonly entry: ServiceEntry }
  | { readonly is: "resource"; readonly object: KubeObject<unknown>; readonly to: Readonly<Record<string, unknown>> }
  | { readonly is: "fault"; readonly fault: Fault };

/** Resolves what routes refer to. */
export interface Backends {
  find(ref: BackendObject, route: HttpRouteObject): Backend;
  readonly use: ReturnType<typeof createServices>["use"];
}

/** `resources`: the kinds that are backends beside Services. */
export function createBackends(workspace: Workspace, resources: readonly AnyResource[]): Backends {
  const { objects } = workspace;
  const services = createServices(workspace);
  const fault = (reason: string, message: string): Backend => ({ is: "fault", fault: { reason, message } });
  return {
    use: services.use,
    find(ref, route) {
      const { group, kind, name, namespace = route.namespace, port } = ref;
      const isService = group === service.group && kind === service.kind;
      const resource = resources.find(
        (each) => each.backend !== undefined && each.kind.group === group && each.kind.kind === kind,
      );
      if (!isService && resource === undefined)
        return fault("InvalidKind", `${kind}${group === "" ? "" : ` of ${group}`} is no backend that is known here`);
      /* Asked first: what is in another namespace is nobody's business who may not refer to it. */
      const from = { group: route.kind.group, kind: route.kind.kind, namespace: route.namespace };
      if (!isGranted(objects, from, { group, kind, namespace, name }))
        return fault(
          "RefNotPermitted",
          `no ReferenceGrant in namespace ${namespace} lets HTTPRoutes of ${route.namespace} refer to ${kind} ${name}`,
        );
      const noTls = tlsFault(workspace, { group, kind, namespace, name, port });
      if (resource === undefined) {
        const found = services.find(namespace, name, port ?? 0);
        if ("reason" in found) return { is: "fault", fault: found };
        return noTls === undefined ? { is: "service", entry: found } : fault("UnsupportedProtocol", noTls);
      }
      const object = objects.get(resource.kind, namespace, name);
      const to = object && resource.backend?.(object);
      if (object !== undefined && to !== undefined)
        return noTls === undefined ? { is: "resource", object, to } : fault("UnsupportedProtocol", noTls);
      const refused = objects.refused(resource.kind, namespace, name) !== undefined;
      return fault(
        "BackendNotFound",
        refused
          ? `${kind} ${namespace}/${name} cannot be honoured`
          : `there is no ${kind} ${name} in namespace ${namespace}`,
      );
    },
  };
}
