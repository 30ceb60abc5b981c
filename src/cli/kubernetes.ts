import { resolve } from "node:path";
import { readConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { systemClock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { type EarlyHealth, openEarlyHealth } from "../gateway/early-health.ts";
import type { Doubt } from "../gateway/health.ts";
import type { ApiAccess } from "../k8s/api/api-access.ts";
import { type ClusterConfig, openClusterConfig } from "../k8s/api/cluster-config.ts";
import { findInCluster } from "../k8s/api/in-cluster.ts";
import { loadKubeconfig } from "../k8s/api/kubeconfig.ts";
import { createKubernetesMetrics } from "../k8s/api/kubernetes-metrics.ts";
import { createLog } from "../observability/log.ts";
import { createMetrics, type Metrics } from "../observability/metrics.ts";
import { UsageError } from "./command.ts";

/** The options of a gateway that follows an API server. */
export const kubernetesOptions = {
  kubernetes: {
    type: "boolean",
    description: "follow the API server of the cluster this runs in, or of a kubeconfig; a change takes effect",
  },
  kubeconfig: {
    type: "string",
    value: "FILE",
    description: "with --kubernetes: in place of the pod's service account, KUBECONFIG and ~/.kube/config",
  },
  context: { type: "string", value: "NAME", description: "with --kubernetes: a context of the kubeconfig" },
  namespace: {
    type: "string",
    value: "NS",
    multiple: true,
    description: "with --kubernetes: follow this namespace alone; may be given again (default: all)",
  },
} as const;

export interface KubernetesOptions {
  readonly kubernetes: boolean;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly namespace: readonly string[];
  readonly config: string | undefined;
}

/** What follows an API server from before the gateway starts until after it has ended. */
export interface Kubernetes {
  readonly cluster: ClusterConfig;
  /** The gateway's, which counted from the beginning. */
  readonly metrics: Metrics;
  /** The gateway's, which was bound from the beginning. */
  readonly health: EarlyHealth;
  /** What is not known of the API server's objects. */
  doubts(): readonly Doubt[];
  /** The gateway's log takes over from one that was there before it. */
  logTo(log: Log): Promise<void>;
  /** May be called again. */
  close(): Promise<void>;
}

/** Each kind of each namespace holds a connection. */
const MAX_NAMESPACES = 40;

/** Throws a UsageError for options that do not go together. */
export function checkKubernetesOptions({ kubernetes, kubeconfig, context, namespace }: KubernetesOptions): void {
  if (!kubernetes && ((kubeconfig ?? context) !== undefined || namespace.length > 0))
    throw new UsageError("--kubeconfig, --context and --namespace go with --kubernetes");
  const wrong = namespace.find((name) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name));
  if (wrong !== undefined) throw new UsageError(`--namespace takes the name of a namespace, not "${wrong}"`);
  if (namespace.length > MAX_NAMESPACES)
    throw new UsageError(`--namespace may be given ${MAX_NAMESPACES} times: leave it out to follow all namespaces`);
}

/** Waits until everything that is at the API server is known; undefined: a signal came before. */
export async function openKubernetes(options: KubernetesOptions): Promise<Kubernetes | undefined> {
  const file = options.config === undefined ? undefined : resolve(options.config);
  const access = await findAccess(options);
  const config = readEarly(file);
  const early = createLog(config.observability.log);
  const relay = { to: early as Log };
  const log = relayLog(relay);
  const metrics = createMetrics();
  const cluster = openClusterConfig({
    file,
    access,
    namespaces: [...new Set(options.namespace)],
    clock: systemClock,
    log,
    metrics: createKubernetesMetrics(metrics.meter),
  });
  let health: EarlyHealth | undefined;
  let closing: Promise<void> | undefined;
  const closeAll = async () => {
    await cluster.close();
    await health?.close();
    await early.close();
  };
  const close = () => (closing ??= closeAll());
  /* Also as the first process of a container, whom a signal it does not listen for does not reach. */
  const stop = new AbortController();
  const onSignal = () => stop.abort(new Error("stopped before the API server had answered"));
  process.once("SIGTERM", onSignal);
  process.once("SIGINT", onSignal);
  try {
    health = await openEarlyHealth({ config, log, doubts: cluster.doubts, metrics: metrics.render });
    await cluster.ready(stop.signal);
  } catch (error) {
    await close();
    if (stop.signal.aborted) return undefined;
    throw error;
  } finally {
    process.off("SIGTERM", onSignal);
    process.off("SIGINT", onSignal);
  }
  return {
    cluster,
    metrics,
    health,
    doubts: cluster.doubts,
    async logTo(log) {
      relay.to = log;
      await early.close();
    },
    close,
  };
}

/** What has to be known of the file before there are objects: where health is bound, and how the log is written. Throws for what is wrong there. */
function readEarly(file: string | undefined): Config {
  const read = readConfig(file, {
    extend: (base) => ({ ...pick(base, ["listen", "limits", "publicUrl", "observability"]), policies: "open" }),
  });
  if (read.config === undefined) throw read.error;
  return read.config;
}

const pick = (from: Readonly<Record<string, unknown>>, keys: readonly string[]) =>
  Object.fromEntries(Object.entries(from).filter(([key]) => keys.includes(key)));

async function findAccess({ kubeconfig, context }: KubernetesOptions): Promise<ApiAccess> {
  const clock = systemClock;
  const here = (kubeconfig ?? context) === undefined ? findInCluster({ clock }) : undefined;
  return here ?? (await loadKubeconfig({ clock, context, file: kubeconfig && resolve(kubeconfig) }));
}

function relayLog(relay: { readonly to: Log }): Log {
  return {
    debug: (fields, message) => relay.to.debug(fields, message),
    info: (fields, message) => relay.to.info(fields, message),
    warn: (fields, message) => relay.to.warn(fields, message),
    error: (fields, message) => relay.to.error(fields, message),
    child: (fields) => relay.to.child(fields),
  };
}
