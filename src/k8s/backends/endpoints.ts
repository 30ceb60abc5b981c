import { endpointSlice, pod, type ServiceSpec } from "../kinds/core.ts";
import type { Objects, ObjectSource } from "../objects.ts";
import type { KubeObject } from "../parse-object.ts";

export type ServiceObject = KubeObject<ServiceSpec>;
export type ServicePort = ServiceSpec["ports"][number];

/** Finds the addresses behind Services. */
export interface Endpoints {
  /** Origins such as `http://10.0.0.7:8080`, each once; undefined where nothing says which there are. */
  of(service: ServiceObject, port: ServicePort): readonly string[] | undefined;
}

export function createEndpoints(objects: Objects, source: ObjectSource): Endpoints {
  const slices = Map.groupBy(
    objects.list(endpointSlice),
    ({ namespace, metadata }) => `${namespace}/${metadata.labels["kubernetes.io/service-name"] ?? ""}`,
  );
  return {
    of(service, port) {
      const own = slices.get(`${service.namespace}/${service.name}`);
      if (own === undefined) return source === "folder" ? ofPods(objects, service, port) : undefined;
      const found = new Set<string>();
      for (const { spec } of own) {
        if (spec.addressType === "FQDN") continue;
        /* A slice names its port as the Service does; the number is that of the pods (EndpointSlice.ports). */
        const named = spec.ports.find(({ name }) => (name ?? "") === (port.name ?? ""));
        const number = named?.port ?? undefined;
        if (number === undefined) continue;
        for (const { addresses, conditions } of spec.endpoints)
          /* No word is as good as yes (EndpointConditions.ready). */
          if (conditions.ready !== false) for (const address of addresses) found.add(originOf(address, number));
      }
      return [...found].toSorted();
    },
  };
}

export const originOf = (address: string, port: number) =>
  `http://${address.includes(":") ? `[${address}]` : address}:${port}`;

/** Pods that a folder holds as a cluster would show them: with the addresses they have there. */
function ofPods(objects: Objects, service: ServiceObject, port: ServicePort): readonly string[] | undefined {
  const { selector = {} } = service.spec;
  const labels = Object.entries(selector);
  if (labels.length === 0) return undefined;
  const found = objects.list(pod, service.namespace).flatMap(({ metadata, spec: { metadata: meta, spec, status } }) => {
    const fits = labels.every(([key, value]) => metadata.labels[key] === value);
    const ready = status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;
    if (!fits || !ready || status.podIP === undefined || typeof meta.deletionTimestamp === "string") return [];
    const target = port.targetPort ?? port.port;
    const number =
      typeof target === "number"
        ? target
        : spec.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === target)?.containerPort;
    return number === undefined ? [] : [originOf(status.podIP, number)];
  });
  return found.length === 0 ? undefined : [...new Set(found)].toSorted();
}
