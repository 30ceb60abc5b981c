import { find, type Manifest, ofTheCluster } from "./manifests.ts";
import { blocksOf, isBlock } from "./network.ts";
import { type Container, type Workload, workloadsOf } from "./pods.ts";
import { breachesOf } from "./restricted.ts";

/* What this repository asks of its manifests beyond the restricted profile. */

interface Demand {
  readonly is: string;
  holds(container: Container, workload: Workload): boolean;
}

const demands: readonly Demand[] = [
  {
    is: "has a root that cannot be written",
    holds: ({ securityContext }) => securityContext?.readOnlyRootFilesystem === true,
  },
  {
    is: "has a bounded /tmp",
    holds: ({ volumeMounts = [] }, { pod }) => {
      const name = volumeMounts.find(({ mountPath }) => mountPath === "/tmp")?.name;
      return pod.volumes?.find((volume) => volume.name === name)?.emptyDir?.sizeLimit !== undefined;
    },
  },
  {
    is: "is of a version",
    holds: ({ image }) => /:[\w.-]*\d[\w.-]*(?:@sha256:[0-9a-f]{64})?$/.test(image) && !image.includes(":latest"),
  },
  {
    is: "asks for CPU and memory, and has a limit of memory",
    holds: ({ resources }) =>
      [resources?.requests?.["cpu"], resources?.requests?.["memory"], resources?.limits?.["memory"]].every(Boolean),
  },
  {
    is: "is probed without a shell",
    holds: ({ readinessProbe, livenessProbe, startupProbe }) =>
      [readinessProbe, livenessProbe].every((probe) => probe !== undefined) &&
      [readinessProbe, livenessProbe, startupProbe].every((probe) => probe?.exec === undefined),
  },
  {
    is: "starts no shell",
    holds: ({ command = [], args = [] }) => ![...command, ...args].some((word) => /^(?:\S*\/)?(?:sh|bash)$/.test(word)),
  },
  {
    is: "probes ports that it names",
    holds: ({ ports = [], ...container }) =>
      [container.readinessProbe, container.livenessProbe, container.startupProbe].every((probe) => {
        const port = (probe?.httpGet ?? probe?.tcpSocket)?.port;
        return port === undefined || ports.some(({ name }) => name === port);
      }),
  },
  {
    is: "gets a token of the cluster when it follows the cluster, and else none",
    holds: ({ args = [] }, { pod }) => pod.automountServiceAccountToken === args.includes("--kubernetes"),
  },
];

/** ConfigMaps and Secrets that a workload names. */
function sourcesOf({ pod }: Workload): { readonly configMaps: readonly string[]; readonly secrets: readonly string[] } {
  const env = pod.containers.flatMap((container) => container.env ?? []);
  const from = pod.containers.flatMap((container) => container.envFrom ?? []);
  const volumes = pod.volumes ?? [];
  return {
    configMaps: [
      ...env.flatMap(({ valueFrom }) => valueFrom?.configMapKeyRef?.name ?? []),
      ...from.flatMap(({ configMapRef }) => configMapRef?.name ?? []),
      ...volumes.flatMap(({ configMap }) => configMap?.name ?? []),
    ],
    secrets: [
      ...env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.name ?? []),
      ...volumes.flatMap(({ secret }) => secret?.secretName ?? []),
    ],
  };
}

/** Keys of the Secret `sallyport` that somebody reads, sorted. */
export function secretKeys(objects: readonly Manifest[]): readonly string[] {
  const keys = workloadsOf(objects).flatMap(({ pod }) => [
    ...pod.containers.flatMap(({ env = [] }) => env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.key ?? [])),
    ...(pod.volumes ?? []).flatMap(({ secret }) =>
      secret?.secretName === "sallyport" ? (secret.items ?? []).map(({ key }) => key) : [],
    ),
  ]);
  return [...new Set(keys)].toSorted();
}

function misfitsOf(workload: Workload, objects: readonly Manifest[]): readonly string[] {
  const configMaps = new Set(objects.filter(({ kind }) => kind === "ConfigMap").map(({ metadata }) => metadata.name));
  const { configMaps: named, secrets } = sourcesOf(workload);
  const secretNames = new Set(["sallyport", "sallyport-tls"]);
  return [
    ...breachesOf(workload.pod),
    ...workload.pod.containers.flatMap((container) =>
      demands.filter((demand) => !demand.holds(container, workload)).map(({ is }) => `${container.name}: ${is}`),
    ),
    ...named.filter((name) => !configMaps.has(name)).map((name) => `there is no ConfigMap ${name}`),
    ...secrets.filter((name) => !secretNames.has(name)).map((name) => `nobody makes the Secret ${name}`),
  ];
}

interface RoleRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** What a role allows, as `sallyport.dev/budgets: get list watch`, sorted. */
function grantsOf(role: Manifest): readonly string[] {
  const { rules } = role as unknown as { readonly rules: readonly RoleRule[] };
  return rules
    .flatMap(({ apiGroups, resources, resourceNames = [], verbs }) =>
      apiGroups.flatMap((group) =>
        resources.map(
          (resource) =>
            `${group === "" ? "core" : group}/${resource}${resourceNames.map((name) => `=${name}`).join("")}: ${verbs.toSorted().join(" ")}`,
        ),
      ),
    )
    .toSorted();
}

/** What each role allows, by its kind and name. */
export const grantsIn = (objects: readonly Manifest[]): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    objects
      .filter(({ kind }) => kind === "ClusterRole" || kind === "Role")
      .map((role) => [`${role.kind}/${role.metadata.name}`, grantsOf(role)]),
  );

/** The Service that leads to a workload, as `name port > targetPort`, must find a port of that name. */
function deadServices(objects: readonly Manifest[]): readonly string[] {
  const workloads = workloadsOf(objects);
  return objects
    .filter(({ kind }) => kind === "Service")
    .flatMap(({ metadata, spec }) => {
      const { selector, ports } = spec as {
        readonly selector: Readonly<Record<string, string>>;
        readonly ports: readonly { readonly targetPort: string }[];
      };
      const target = workloads.find(({ labels }) =>
        Object.entries(selector).every(([key, value]) => labels[key] === value),
      );
      const named = target?.pod.containers.flatMap((container) => container.ports ?? []).map(({ name }) => name) ?? [];
      return ports
        .filter(({ targetPort }) => !named.includes(targetPort))
        .map(({ targetPort }) => `Service ${metadata.name} leads to no port ${targetPort}`);
    });
}

/** Bindings of roles or to accounts that are not here. */
function looseBindings(objects: readonly Manifest[]): readonly string[] {
  const here = new Set(objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
  return objects
    .filter(({ kind }) => kind.endsWith("RoleBinding"))
    .flatMap((binding) => {
      const { roleRef, subjects } = binding as unknown as {
        readonly roleRef: { readonly kind: string; readonly name: string };
        readonly subjects: readonly { readonly kind: string; readonly name: string; readonly namespace: string }[];
      };
      return [roleRef, ...subjects]
        .map(({ kind, name }) => `${kind}/${name}`)
        .filter((name) => !here.has(name))
        .map((name) => `${binding.kind} ${binding.metadata.name} binds ${name}, which is not here`);
    });
}

/** Everything that is wrong with a set of manifests, whoever rendered it; empty when they can be applied. `beside`: where roles may be. */
export function faultsOf(
  objects: readonly Manifest[],
  namespace = "sallyport",
  beside: readonly string[] = [],
): readonly string[] {
  const names = objects.map(({ kind, metadata }) => `${kind}/${metadata.namespace ?? ""}/${metadata.name}`);
  const homeless = objects.filter(
    ({ kind, metadata }) =>
      metadata.namespace !== namespace &&
      !ofTheCluster.has(kind) &&
      !(/^Role(?:Binding)?$/.test(kind) && beside.includes(metadata.namespace ?? "")),
  );
  return [
    ...workloadsOf(objects).flatMap((workload) =>
      misfitsOf(workload, objects).map((fault) => `${workload.name}: ${fault}`),
    ),
    ...deadServices(objects),
    ...blocksOf(objects)
      .filter((block) => !isBlock(block))
      .map((block) => `${block} is no block of addresses`),
    ...looseBindings(objects),
    ...objects
      .filter(({ kind }) => kind === "Secret")
      .map(({ metadata }) => `Secret ${metadata.name} is in the repository`),
    ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${name} is there twice`),
    ...homeless.map(({ kind, metadata }) => `${kind} ${metadata.name} is in no namespace of ours`),
  ];
}

/** Fields of the gateway that must be the same however it is rendered. */
export function gatewayFields(objects: readonly Manifest[]): Readonly<Record<string, unknown>> {
  const gateway = workloadsOf(objects).find(({ name }) => name === "sallyport");
  const container = gateway?.pod.containers[0];
  if (gateway === undefined || container === undefined) throw new Error("there is no gateway");
  return {
    replicas: gateway.replicas,
    containers: gateway.pod.containers.length,
    args: container.args,
    ports: Object.fromEntries((container.ports ?? []).map(({ name, containerPort }) => [name, containerPort])),
    live: container.livenessProbe?.httpGet,
    ready: container.readinessProbe?.httpGet,
    start: container.startupProbe?.httpGet,
    pauseSeconds: container.lifecycle?.preStop?.sleep?.seconds,
    graceSeconds: gateway.pod.terminationGracePeriodSeconds,
    mounts: Object.fromEntries(
      (container.volumeMounts ?? []).map(({ mountPath, readOnly = false }) => [mountPath, readOnly]),
    ),
    spread: gateway.pod.topologySpreadConstraints?.length,
    scrape: Object.fromEntries(
      Object.entries(gateway.annotations).filter(([name]) => name.startsWith("prometheus.io/")),
    ),
    disruption: (find(objects, "PodDisruptionBudget", "sallyport").spec as { maxUnavailable?: number }).maxUnavailable,
  };
}
