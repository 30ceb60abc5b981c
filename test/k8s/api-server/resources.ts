/** One kind of objects that the server keeps. */
export interface Resource {
  readonly group: string;
  /** Served ones; all of them show the same objects. */
  readonly versions: readonly string[];
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Whether `status` is written at an address of its own, and `generation` counts changes of the rest. */
  readonly status: boolean;
  /** Items of a built-in kind's list carry neither apiVersion nor kind. */
  readonly builtIn: boolean;
}

const custom = (group: string, versions: string[], kind: string, plural: string, namespaced = true): Resource => ({
  group,
  versions,
  kind,
  plural,
  namespaced,
  status: kind !== "ReferenceGrant",
  builtIn: false,
});
const builtIn = (group: string, kind: string, plural: string, namespaced = true): Resource => ({
  group,
  versions: ["v1"],
  kind,
  plural,
  namespaced,
  status: kind === "Pod" || kind === "Service" || kind === "Namespace",
  builtIn: true,
});

const gateway = "gateway.networking.k8s.io";

export const standardResources: readonly Resource[] = [
  builtIn("", "Namespace", "namespaces", false),
  builtIn("", "Service", "services"),
  builtIn("", "Pod", "pods"),
  builtIn("", "Secret", "secrets"),
  builtIn("", "ConfigMap", "configmaps"),
  builtIn("discovery.k8s.io", "EndpointSlice", "endpointslices"),
  builtIn("coordination.k8s.io", "Lease", "leases"),
  custom(gateway, ["v1", "v1beta1"], "GatewayClass", "gatewayclasses", false),
  custom(gateway, ["v1", "v1beta1"], "Gateway", "gateways"),
  custom(gateway, ["v1", "v1beta1"], "HTTPRoute", "httproutes"),
  custom(gateway, ["v1", "v1beta1"], "ReferenceGrant", "referencegrants"),
  custom(gateway, ["v1"], "BackendTLSPolicy", "backendtlspolicies"),
  custom("inference.networking.k8s.io", ["v1"], "InferencePool", "inferencepools"),
  custom("gateway.kgateway.dev", ["v1alpha1"], "TrafficPolicy", "trafficpolicies"),
  custom("kuadrant.io", ["v1alpha1"], "TokenRateLimitPolicy", "tokenratelimitpolicies"),
  custom("sallyport.dev", ["v1alpha1"], "MCPServer", "mcpservers"),
  custom("sallyport.dev", ["v1alpha1"], "A2AAgent", "a2aagents"),
  custom("sallyport.dev", ["v1alpha1"], "AccessPolicy", "accesspolicies"),
  custom("sallyport.dev", ["v1alpha1"], "Budget", "budgets"),
];

/** What `/apis/GROUP` and `/apis/GROUP/VERSION` say; undefined: that is no such address, or there is nothing of it. */
export function discover(url: string, resources: readonly Resource[]): object | undefined {
  const [, group, version] = /^\/apis\/([^/?]+)(?:\/([^/?]+))?$/.exec(url) ?? [];
  const own = resources.filter((resource) => resource.group === group);
  const served = own.filter(({ versions }) => version === undefined || versions.includes(version));
  if (group === undefined || served.length === 0) return undefined;
  if (version === undefined) {
    const versions = [...new Set(served.flatMap((resource) => resource.versions))];
    const named = versions.map((each) => ({ groupVersion: `${group}/${each}`, version: each }));
    return { kind: "APIGroup", apiVersion: "v1", name: group, versions: named, preferredVersion: named[0] };
  }
  const listed = served.map(({ plural, kind, namespaced }) => ({ name: plural, kind, namespaced }));
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion: `${group}/${version}`, resources: listed };
}
