import type { Labels, Manifest } from "./manifests.ts";

/* Of a pod what the checks read, as Kubernetes names it. */

interface SecurityContext {
  readonly runAsNonRoot?: boolean;
  readonly runAsUser?: number;
  readonly seccompProfile?: { readonly type: string };
  readonly seLinuxOptions?: { readonly type?: string; readonly user?: string; readonly role?: string };
  readonly appArmorProfile?: { readonly type: string };
  readonly sysctls?: readonly unknown[];
  readonly windowsOptions?: { readonly hostProcess?: boolean };
  readonly allowPrivilegeEscalation?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
  readonly privileged?: boolean;
  readonly procMount?: string;
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
}

interface Handler {
  readonly httpGet?: { readonly path: string; readonly port: string | number; readonly host?: string };
  readonly tcpSocket?: { readonly port: string | number; readonly host?: string };
  readonly exec?: unknown;
  readonly sleep?: { readonly seconds: number };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: {
      readonly secretKeyRef?: { readonly name: string; readonly key: string };
      readonly configMapKeyRef?: { readonly name: string; readonly key: string };
    };
  }[];
  readonly envFrom?: readonly { readonly configMapRef?: { readonly name: string } }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number; readonly hostPort?: number }[];
  readonly resources?: { readonly requests?: Labels; readonly limits?: Labels };
  readonly securityContext?: SecurityContext;
  readonly startupProbe?: Handler;
  readonly livenessProbe?: Handler;
  readonly readinessProbe?: Handler;
  readonly lifecycle?: { readonly preStop?: Handler; readonly postStart?: Handler };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}

export interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly secret?: { readonly secretName: string; readonly items?: readonly { readonly key: string }[] };
  readonly emptyDir?: { readonly sizeLimit?: string };
}

export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly securityContext?: SecurityContext;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly topologySpreadConstraints?: readonly unknown[];
}

/** Pods of one Deployment or StatefulSet. */
export interface Workload {
  readonly name: string;
  readonly namespace: string;
  readonly replicas: number;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly pod: PodSpec;
}

interface WorkloadSpec {
  readonly replicas?: number;
  readonly template: {
    readonly metadata: { readonly labels: Labels; readonly annotations?: Labels };
    readonly spec: PodSpec;
  };
}

export const workloadOf = ({ metadata, spec }: Manifest): Workload => {
  const { replicas = 1, template } = spec as WorkloadSpec;
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? "",
    replicas,
    labels: template.metadata.labels,
    annotations: template.metadata.annotations ?? {},
    pod: template.spec,
  };
};

export const workloadsOf = (objects: readonly Manifest[]): readonly Workload[] =>
  objects.filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet").map(workloadOf);
