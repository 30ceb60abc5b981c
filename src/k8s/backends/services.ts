import type { Fault } from "../condition.ts";
import { service } from "../kinds/core.ts";
import type { Manifest } from "../manifest.ts";
import type { Workspace } from "../workspace.ts";
import { createEndpoints, type ServiceObject } from "./endpoints.ts";

/** A Service's port, as an entry of `services`. */
export interface ServiceEntry {
  /** `NAMESPACE/NAME:PORT`. */
  readonly name: string;
  readonly endpoints: readonly string[];
  /** Nothing says where it is: it has no endpoints until somebody does. */
  readonly unknown: boolean;
  readonly object: ServiceObject | undefined;
}

/** What a Service is for: anything, or calls of models. */
export type ServiceUse = "service" | "pool";

/** The Services that routes name. */
export interface Services {
  /** The entry for a port of a Service, or why there is none. Whether one may refer to it is asked before. */
  find(namespace: string, name: string, port: number): ServiceEntry | Fault;
  /** Puts an entry into the configuration, once: as a service, or as a pool of model servers. `user`: the route that it is for. */
  use(entry: ServiceEntry, as: ServiceUse, user: Manifest): void;
}

/* As many endpoints as a pool has in the configuration. */
const MOST_OF_A_POOL = 128;

/* What is spoken to a Service; what is not named is HTTP (ServicePort.appProtocol). */
const spoken = ["", "http"];

export function createServices({ objects, options, pieces, contextOf }: Workspace): Services {
  const endpoints = createEndpoints(objects, options);
  const entries = new Map<string, ServiceEntry | Fault>();
  const used = { service: new Set<ServiceEntry>(), pool: new Set<ServiceEntry>() };

  function resolve(entry: string, namespace: string, name: string, number: number): ServiceEntry | Fault {
    const object = objects.get(service, namespace, name);
    const elsewhere = options.backends.get(`${name}.${namespace}`);
    if (elsewhere !== undefined) return { name: entry, endpoints: elsewhere, unknown: false, object };
    const missing = (message: string): Fault => ({ reason: "BackendNotFound", message });
    if (object === undefined) return missing(`there is no Service ${name} in namespace ${namespace}`);
    if (object.spec.type === "ExternalName")
      /* CVE-2021-25740; BackendObjectReference.kind asks implementations not to. */
      return {
        reason: "InvalidKind",
        message: `Service ${namespace}/${name} is of type ExternalName, which may point anywhere: it is not followed`,
      };
    const port = object.spec.ports.find((each) => each.port === number);
    if (port === undefined) return missing(`Service ${namespace}/${name} has no port ${number}`);
    const protocol = port.protocol === "TCP" ? (port.appProtocol ?? "") : port.protocol;
    if (!spoken.includes(protocol.toLowerCase()))
      return {
        reason: "UnsupportedProtocol",
        message: `port ${number} of Service ${namespace}/${name} speaks ${protocol}; HTTP/1.1 is spoken to services`,
      };
    const found = endpoints.of(object, port);
    const { origins = [], refused = [] } = found ?? {};
    if (refused.length > 0) {
      const message = `Service ${namespace}/${name} is at ${refused.slice(0, 3).join(", ")}, which is of the gateway's own machine or link: not asked there; namespaces under kubernetes.platformNamespaces alone may have it`;
      contextOf(object).warn({ path: ["spec"], message });
      if (origins.length === 0) return missing(message);
    }
    return { name: entry, endpoints: origins, unknown: found === undefined, object };
  }

  return {
    find(namespace, name, port) {
      const key = `${namespace}/${name}:${port}`;
      const known = entries.get(key) ?? resolve(key, namespace, name, port);
      entries.set(key, known);
      return known;
    },
    use(entry, as, user) {
      if (used[as].has(entry)) return;
      used[as].add(entry);
      const { set } = pieces.of(entry.object?.manifest ?? user);
      const { name, endpoints: urls } = entry;
      if (as === "service") set(["services", name], { endpoints: urls });
      else
        set(["pools", name], {
          engine: "openai-compatible",
          endpoints: urls.slice(0, MOST_OF_A_POOL),
          pick: "round-robin",
        });
    },
  };
}
