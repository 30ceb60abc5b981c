import type { ConfigPath } from "../../core/config-problem.ts";
import { groupOf, isMap, type Manifest } from "../manifest.ts";

/** What a path leads to. */
export interface IngressBackend {
  readonly name: string;
  /** A number, or the name that the Service gives the port. Undefined for what is no Service. */
  readonly port: number | string | undefined;
  /** Set for what is no Service: `backend.resource`. */
  readonly resource?: { readonly group: string; readonly kind: string };
}

export type PathType = "Exact" | "Prefix" | "ImplementationSpecific";

export interface IngressPath {
  readonly path: string;
  readonly pathType: PathType;
  readonly backend: IngressBackend;
}

export interface IngressRule {
  /** Empty for every host. */
  readonly host: string;
  readonly paths: readonly IngressPath[];
}

export interface IngressTls {
  readonly hosts: readonly string[];
  /** Undefined for the controller's own default certificate. */
  readonly secretName: string | undefined;
}

/** An Ingress, whichever of its API versions it was written in. */
export interface Ingress {
  readonly manifest: Manifest;
  readonly namespace: string;
  readonly name: string;
  readonly rules: readonly IngressRule[];
  readonly defaultBackend: IngressBackend | undefined;
  readonly tls: readonly IngressTls[];
  /** From `spec.ingressClassName`, else from the older annotation. */
  readonly className: string | undefined;
  /** What stands in it and could not be read: path and reason. */
  readonly faults: readonly IngressFault[];
}

export interface IngressFault {
  readonly path: ConfigPath;
  readonly message: string;
}

export const NGINX_PREFIX = "nginx.ingress.kubernetes.io/";
export const CLASS_ANNOTATION = "kubernetes.io/ingress.class";

const GROUPS = ["networking.k8s.io", "extensions"];

export const isIngress = (manifest: Manifest) => manifest.kind === "Ingress" && GROUPS.includes(groupOf(manifest));

/** `name` without the prefix. */
export const nginxAnnotation = ({ manifest }: Ingress, name: string): string | undefined =>
  manifest.metadata.annotations[NGINX_PREFIX + name];

type Fault = (path: ConfigPath, message: string) => void;

/** Reads an Ingress of networking.k8s.io/v1 or of the betas before it. What cannot be read is left out and named in `faults`. */
export function toIngress(manifest: Manifest, defaultNamespace: string): Ingress {
  const faults: IngressFault[] = [];
  const fault: Fault = (path, message) => faults.push({ path: ["spec", ...path], message });
  const spec = isMap(manifest.spec) ? manifest.spec : {};
  if (!isMap(manifest.spec)) fault([], "an Ingress needs a spec");
  const className = spec["ingressClassName"] ?? manifest.metadata.annotations[CLASS_ANNOTATION];
  const backend = spec["defaultBackend"] ?? spec["backend"];
  return {
    manifest,
    namespace: manifest.metadata.namespace ?? defaultNamespace,
    name: manifest.metadata.name,
    rules: listOf(spec["rules"], ["rules"], fault).map((rule, index) => readRule(rule, ["rules", index], fault)),
    defaultBackend: backend == null ? undefined : readBackend(backend, ["defaultBackend"], fault),
    tls: listOf(spec["tls"], ["tls"], fault).map((entry, index) => readTls(entry, ["tls", index], fault)),
    className: typeof className === "string" && className !== "" ? className : undefined,
    faults,
  };
}

function listOf(value: unknown, path: ConfigPath, fault: Fault): readonly unknown[] {
  if (value == null) return [];
  if (Array.isArray(value)) return value;
  fault(path, "expected a list");
  return [];
}

function readRule(rule: unknown, path: ConfigPath, fault: Fault): IngressRule {
  if (!isMap(rule)) {
    fault(path, "expected a map");
    return { host: "", paths: [] };
  }
  const { host, http } = rule;
  if (host != null && typeof host !== "string") fault([...path, "host"], "expected a host name, as a text");
  const inner = isMap(http) ? http["paths"] : undefined;
  const paths = listOf(inner, [...path, "http", "paths"], fault).flatMap((entry, index): IngressPath[] => {
    const at = [...path, "http", "paths", index];
    if (!isMap(entry)) {
      fault(at, "expected a map");
      return [];
    }
    const backend = readBackend(entry["backend"], [...at, "backend"], fault);
    if (backend === undefined) return [];
    const value = entry["path"];
    if (value != null && (typeof value !== "string" || (value !== "" && !value.startsWith("/"))))
      fault([...at, "path"], "expected a path that begins with /");
    return [
      {
        path: typeof value === "string" && value !== "" ? value : "/",
        pathType: readPathType(entry["pathType"], [...at, "pathType"], fault),
        backend,
      },
    ];
  });
  return { host: typeof host === "string" ? host.toLowerCase() : "", paths };
}

function readPathType(value: unknown, path: ConfigPath, fault: Fault): PathType {
  if (value === "Exact" || value === "Prefix" || value === "ImplementationSpecific") return value;
  if (value != null) fault(path, "expected Exact, Prefix or ImplementationSpecific");
  return "ImplementationSpecific";
}

function readBackend(backend: unknown, path: ConfigPath, fault: Fault): IngressBackend | undefined {
  if (isMap(backend)) {
    const { service, resource, serviceName, servicePort } = backend;
    if (typeof serviceName === "string") return { name: serviceName, port: readPort(servicePort, path, fault) };
    if (isMap(service) && typeof service["name"] === "string") {
      const port = isMap(service["port"]) ? (service["port"]["number"] ?? service["port"]["name"]) : undefined;
      return { name: service["name"], port: readPort(port, [...path, "service", "port"], fault) };
    }
    if (isMap(resource) && typeof resource["name"] === "string" && typeof resource["kind"] === "string") {
      const group = typeof resource["apiGroup"] === "string" ? resource["apiGroup"] : "";
      return { name: resource["name"], port: undefined, resource: { group, kind: resource["kind"] } };
    }
  }
  fault(path, "expected a service with a name and a port");
  return undefined;
}

function readPort(port: unknown, path: ConfigPath, fault: Fault): number | string {
  if (typeof port === "string" && /^\d+$/.test(port)) return Number(port);
  if (typeof port === "string" && port !== "") return port;
  if (typeof port === "number" && Number.isInteger(port) && port > 0 && port < 65_536) return port;
  fault(path, "expected the number or the name of a port");
  return "";
}

function readTls(entry: unknown, path: ConfigPath, fault: Fault): IngressTls {
  if (!isMap(entry)) {
    fault(path, "expected a map");
    return { hosts: [], secretName: undefined };
  }
  const hosts = listOf(entry["hosts"], [...path, "hosts"], fault).filter((host) => typeof host === "string");
  const secret = entry["secretName"];
  return {
    hosts: hosts.map((host) => host.toLowerCase()),
    secretName: typeof secret === "string" && secret !== "" ? secret : undefined,
  };
}
