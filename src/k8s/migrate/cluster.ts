import { isMap, type Manifest } from "../manifest.ts";
import { type Ingress, type IngressBackend, type IngressPath, nginxAnnotation } from "./ingress.ts";
import { formOf } from "./paths.ts";

/** A Secret that holds a certificate. */
export interface TlsSecret {
  readonly namespace: string;
  readonly name: string;
}

/** An Ingress with `canary: "true"`, and its backend for one host and path. */
export interface Canary {
  readonly ingress: Ingress;
  readonly backend: IngressBackend;
}

/**
 * How the paths of a host are matched. `plain`: as their types say. Otherwise nginx took all of them as regular expressions, open at the
 * end and without regard to case, since one Ingress of the host has use-regex or rewrite-target: `regex` says them as such. What takes a
 * prefix off has to be a prefix, and gateways ask expressions before prefixes: then all paths are `narrowed` to prefixes, or are `mixed`
 * where some can only be expressions.
 */
export type Matching = "plain" | "narrowed" | "mixed" | "regex";

/** What one Ingress cannot know alone: nginx joins every Ingress of a host into one server. */
export interface Cluster {
  /** Hosts that a main Ingress has rules for. */
  readonly hosts: ReadonlySet<string>;
  /** The number of a Service's port, or undefined when the Service or the name is not among the manifests. */
  portNumber(namespace: string, service: string, port: string): number | undefined;
  configMap(namespace: string, name: string): Readonly<Record<string, string>> | undefined;
  matching(host: string): Matching;
  /** True when an Ingress has / as a prefix on the host, so that no default backend is asked. */
  hasRoot(host: string): boolean;
  canariesOf(host: string, path: string): readonly Canary[];
}

export const isOn = (value: string | undefined) => value !== undefined && /^(?:true|t|1)$/i.test(value);

export const isCanary = (ingress: Ingress) => isOn(nginxAnnotation(ingress, "canary"));

/* A target that is the path itself changes nothing, and nginx takes it for none. */
const isRewritten = (ingress: Ingress, { path }: IngressPath) => {
  const target = nginxAnnotation(ingress, "rewrite-target") ?? "";
  return target !== "" && target !== path;
};

const key = (...parts: readonly string[]) => JSON.stringify(parts);

/** Gathers what the Ingresses of nginx, and the Services and ConfigMaps beside them, say together. */
export function surveyCluster(ingresses: readonly Ingress[], others: readonly Manifest[], namespace: string): Cluster {
  const ports = new Map<string, number>();
  const configMaps = new Map<string, Readonly<Record<string, string>>>();
  for (const { apiVersion, kind, metadata, spec, value } of others) {
    if (apiVersion !== "v1") continue;
    const home = metadata.namespace ?? namespace;
    if (kind === "Service" && isMap(spec) && Array.isArray(spec["ports"])) {
      for (const port of spec["ports"]) {
        if (isMap(port) && typeof port["name"] === "string" && typeof port["port"] === "number")
          ports.set(key(home, metadata.name, port["name"]), port["port"]);
      }
    } else if (kind === "ConfigMap" && isMap(value["data"])) {
      const entries = Object.entries(value["data"]).filter(
        (entry): entry is [string, string] => typeof entry[1] === "string",
      );
      configMaps.set(key(home, metadata.name), Object.fromEntries(entries));
    }
  }
  const mains = ingresses.filter((ingress) => !isCanary(ingress));
  const pathsOf = (all: readonly Ingress[]) =>
    all.flatMap((ingress) =>
      ingress.rules.flatMap(({ host, paths }) => paths.map((path) => ({ ingress, host, path }))),
    );
  const mainPaths = pathsOf(mains);
  const hostsWhere = (test: (ingress: Ingress, path: IngressPath) => boolean) =>
    new Set(mainPaths.filter(({ ingress, path }) => test(ingress, path)).map(({ host }) => host));
  const regexHosts = hostsWhere(
    (ingress, path) => isOn(nginxAnnotation(ingress, "use-regex")) || isRewritten(ingress, path),
  );
  const hostsOf = (form: ReturnType<typeof formOf>) =>
    hostsWhere((ingress, path) => formOf(path, nginxAnnotation(ingress, "rewrite-target")) === form);
  const [converted, expressions, unlike] = [hostsOf("converted"), hostsOf("expression"), hostsOf("text")];
  const matching = (host: string): Matching => {
    if (!regexHosts.has(host)) return "plain";
    if (converted.has(host)) return expressions.has(host) ? "mixed" : "narrowed";
    return expressions.has(host) || unlike.has(host) ? "regex" : "narrowed";
  };
  const roots = hostsWhere((_ingress, { path, pathType }) => path === "/" && pathType !== "Exact");
  const canaries = Map.groupBy(pathsOf(ingresses.filter(isCanary)), ({ host, path }) => key(host, path.path));
  return {
    hosts: new Set(mains.flatMap(({ rules }) => rules.map(({ host }) => host))),
    portNumber: (home, service, port) => ports.get(key(home, service, port)),
    configMap: (home, name) => configMaps.get(key(home, name)),
    matching,
    hasRoot: (host) => roots.has(host),
    canariesOf: (host, path) =>
      (canaries.get(key(host, path)) ?? []).map(({ ingress, path: { backend } }) => ({ ingress, backend })),
  };
}
