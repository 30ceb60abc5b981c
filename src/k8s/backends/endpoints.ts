import { isOutwardAddress } from "../../http/reach.ts";
import { endpointSlice, pod, type ServiceSpec } from "../kinds/core.ts";
import type { Objects } from "../objects.ts";
import { isPlatform, type TranslateOptions } from "../options.ts";
import type { KubeObject } from "../parse-object.ts";

export type ServiceObject = KubeObject<ServiceSpec>;
export type ServicePort = ServiceSpec["ports"][number];

/** Where a Service is. */
export interface Found {
  /** Such as `http://10.0.0.7:8080`, each once. */
  readonly origins: readonly string[];
  /** Addresses that are there and not used. */
  readonly refused: readonly string[];
}

/** Finds the addresses behind Services. */
export interface Endpoints {
  /** Undefined where nothing says which there are. */
  of(service: ServiceObject, port: ServicePort): Found | undefined;
}

export function createEndpoints(objects: Objects, options: TranslateOptions): Endpoints {
  const slices = Map.groupBy(
    objects.list(endpointSlice),
    ({ namespace, metadata }) => `${namespace}/${metadata.labels["kubernetes.io/service-name"] ?? ""}`,
  );
  return {
    of(service, port) {
      const own = slices.get(`${service.namespace}/${service.name}`);
      if (own === undefined) return options.source === "folder" ? ofPods(objects, options, service, port) : undefined;
      const found = createGathering(options, service.namespace);
      for (const { spec } of own) {
        if (spec.addressType === "FQDN") continue;
        /* A slice names its port as the Service does; the number is that of the pods (EndpointSlice.ports). */
        const named = spec.ports.find(({ name }) => (name ?? "") === (port.name ?? ""));
        const number = named?.port ?? undefined;
        if (number === undefined) continue;
        for (const { addresses, conditions } of spec.endpoints)
          /* No word is as good as yes (EndpointConditions.ready). */
          if (conditions.ready !== false) for (const address of addresses) found.add(address, number);
      }
      return found.all();
    },
  };
}

/**
 * Whether an object of a namespace may have the gateway call an address that it has: the gateway's own machine and link, where its own
 * ports and a cloud's metadata are, are for the platform's alone. An API server takes none of them in a slice; a folder has none.
 */
export const isUsable = (options: TranslateOptions, namespace: string, address: string): boolean =>
  isPlatform(options, namespace) || isOutwardAddress(address);

function createGathering(options: TranslateOptions, namespace: string) {
  const origins = new Set<string>();
  const refused = new Set<string>();
  return {
    add(address: string, port: number) {
      if (isUsable(options, namespace, address)) origins.add(originOf(address, port));
      else refused.add(address);
    },
    all: (): Found => ({ origins: [...origins].toSorted(), refused: [...refused].toSorted() }),
  };
}

export const originOf = (address: string, port: number) =>
  `http://${address.includes(":") ? `[${address}]` : address}:${port}`;

/** Pods that a folder holds as a cluster would show them: with the addresses they have there. */
function ofPods(
  objects: Objects,
  options: TranslateOptions,
  service: ServiceObject,
  port: ServicePort,
): Found | undefined {
  const { selector = {} } = service.spec;
  const labels = Object.entries(selector);
  if (labels.length === 0) return undefined;
  const found = createGathering(options, service.namespace);
  for (const each of objects.list(pod, service.namespace)) {
    const { metadata: meta, spec, status } = each.spec;
    const fits = labels.every(([key, value]) => each.metadata.labels[key] === value);
    const ready = status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;
    if (!fits || !ready || status.podIP === undefined || typeof meta.deletionTimestamp === "string") continue;
    const target = port.targetPort ?? port.port;
    const number =
      typeof target === "number"
        ? target
        : spec.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === target)?.containerPort;
    if (number !== undefined) found.add(status.podIP, number);
  }
  const { origins, refused } = found.all();
  return origins.length + refused.length === 0 ? undefined : { origins, refused };
}
