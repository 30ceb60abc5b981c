import type { Container, PodSpec, Volume } from "./pods.ts";

/* The Pod Security Standard "restricted", and what it takes over from "baseline", as an API server enforces it (1.34). */

const volumeTypes = new Set(
  "configMap csi downwardAPI emptyDir ephemeral persistentVolumeClaim projected secret image".split(" "),
);
const seccomp = new Set(["RuntimeDefault", "Localhost"]);
const appArmor = new Set(["RuntimeDefault", "Localhost"]);
const seLinuxTypes = new Set(["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"]);

interface Rule<T> {
  readonly is: string;
  holds(subject: T, pod: PodSpec): boolean;
}

const ofPods: readonly Rule<PodSpec>[] = [
  {
    is: "shares no namespace of the host",
    holds: ({ hostNetwork, hostPID, hostIPC }) => [hostNetwork, hostPID, hostIPC].every((one) => one !== true),
  },
  { is: "does not run as root", holds: ({ securityContext }) => securityContext?.runAsUser !== 0 },
  { is: "sets no sysctls", holds: ({ securityContext }) => (securityContext?.sysctls ?? []).length === 0 },
  { is: "has volumes of safe kinds alone", holds: ({ volumes = [] }) => volumes.every(isSafe) },
];

const isSafe = (volume: Volume) => Object.keys(volume).every((key) => key === "name" || volumeTypes.has(key));

const ofContainers: readonly Rule<Container>[] = [
  {
    is: "must run as a user other than root",
    holds: ({ securityContext: own }, { securityContext: pods }) => own?.runAsNonRoot ?? pods?.runAsNonRoot === true,
  },
  { is: "names no root user", holds: ({ securityContext }) => securityContext?.runAsUser !== 0 },
  {
    is: "has a seccomp profile",
    holds: ({ securityContext: own }, { securityContext: pods }) =>
      seccomp.has((own?.seccompProfile ?? pods?.seccompProfile)?.type ?? ""),
  },
  {
    is: "forbids privilege escalation",
    holds: ({ securityContext }) => securityContext?.allowPrivilegeEscalation === false,
  },
  {
    is: "drops all capabilities",
    holds: ({ securityContext }) => securityContext?.capabilities?.drop?.includes("ALL") === true,
  },
  {
    is: "adds no capability but NET_BIND_SERVICE",
    holds: ({ securityContext }) =>
      (securityContext?.capabilities?.add ?? []).every((name) => name === "NET_BIND_SERVICE"),
  },
  { is: "is not privileged", holds: ({ securityContext }) => securityContext?.privileged !== true },
  {
    is: "has the usual /proc",
    holds: ({ securityContext }) => (securityContext?.procMount ?? "Default") === "Default",
  },
  {
    is: "takes no port of the host",
    holds: ({ ports = [] }) => ports.every(({ hostPort }) => (hostPort ?? 0) === 0),
  },
  {
    is: "keeps AppArmor",
    holds: ({ securityContext: own }, { securityContext: pods }) =>
      [own, pods].every((context) => appArmor.has(context?.appArmorProfile?.type ?? "RuntimeDefault")),
  },
  {
    is: "keeps SELinux",
    holds: ({ securityContext: own }, { securityContext: pods }) =>
      [own?.seLinuxOptions, pods?.seLinuxOptions].every(
        (options) => seLinuxTypes.has(options?.type ?? "") && !options?.user && !options?.role,
      ),
  },
  {
    is: "is no host process of Windows",
    holds: ({ securityContext: own }, { securityContext: pods }) =>
      own?.windowsOptions?.hostProcess !== true && pods?.windowsOptions?.hostProcess !== true,
  },
  {
    is: "probes no other host",
    holds: ({ startupProbe, livenessProbe, readinessProbe, lifecycle }) =>
      [startupProbe, livenessProbe, readinessProbe, lifecycle?.preStop, lifecycle?.postStart].every(
        (handler) => !handler?.httpGet?.host && !handler?.tcpSocket?.host,
      ),
  },
];

/** Each demand of the profile that a pod does not meet. */
export function breachesOf(pod: PodSpec): readonly string[] {
  const containers = [...pod.containers, ...(pod.initContainers ?? [])];
  return [
    ...ofPods.filter((rule) => !rule.holds(pod, pod)).map(({ is }) => `pod: ${is}`),
    ...containers.flatMap((container) =>
      ofContainers.filter((rule) => !rule.holds(container, pod)).map(({ is }) => `${container.name}: ${is}`),
    ),
  ];
}
