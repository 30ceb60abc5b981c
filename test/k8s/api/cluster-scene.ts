import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openConfig } from "../../../src/config/reload.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { type Gateway, startGateway } from "../../../src/gateway/gateway.ts";
import type { ApiAccess } from "../../../src/k8s/api/api-access.ts";
import { type ClusterConfig, openClusterConfig } from "../../../src/k8s/api/cluster-config.ts";
import { createKubernetesMetrics } from "../../../src/k8s/api/kubernetes-metrics.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { type Answer, ask, type AskOptions } from "../../services/services-scene.ts";
import type { ApiServer } from "../api-server/api-server.ts";
import { accessTo, createLineLog, quickPace } from "./scene.ts";

const gatewayGroup = "gateway.networking.k8s.io";
export const controllerName = "sallyport.dev/gateway";

export const gatewayClass = {
  apiVersion: `${gatewayGroup}/v1`,
  kind: "GatewayClass",
  metadata: { name: "sallyport" },
  spec: { controllerName },
};

export const mainGateway = (more: Readonly<Record<string, unknown>> = {}) => ({
  apiVersion: `${gatewayGroup}/v1`,
  kind: "Gateway",
  metadata: { name: "main", namespace: "default" },
  spec: { gatewayClassName: "sallyport", listeners: [{ name: "http", port: 80, protocol: "HTTP", ...more }] },
});

export const httpRoute = (name: string, path: string, service = "shop") => ({
  apiVersion: `${gatewayGroup}/v1`,
  kind: "HTTPRoute",
  metadata: { name, namespace: "default" },
  spec: {
    parentRefs: [{ group: gatewayGroup, kind: "Gateway", name: "main" }],
    rules: [
      {
        matches: [{ path: { type: "PathPrefix", value: path } }],
        backendRefs: [{ group: "", kind: "Service", name: service, port: 80, weight: 1 }],
      },
    ],
  },
});

export const service = (name: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "default" },
  spec: { type: "ClusterIP", ports: [{ name: "web", port: 80, targetPort: 8080, protocol: "TCP" }] },
});

export const endpoints = (name: string, port: number, addresses = ["127.0.0.1"]) => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: `${name}-1`, namespace: "default", labels: { "kubernetes.io/service-name": name } },
  addressType: "IPv4",
  endpoints: [{ addresses, conditions: { ready: true } }],
  ports: [{ name: "web", port, protocol: "TCP" }],
});

/** A server that answers with its name; it ends with the test. */
export async function startShop(name: string, host = "127.0.0.1"): Promise<number> {
  const server = createServer((_, response) => response.end(name));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A class, a Gateway and a service `shop` with one route at /shop. */
export function applyShop(server: ApiServer, port: number): void {
  for (const object of [
    gatewayClass,
    mainGateway(),
    service("shop"),
    endpoints("shop", port),
    httpRoute("shop", "/shop"),
  ])
    server.apply(object);
}

/** A replica of the gateway that follows a cluster. */
export interface Replica {
  readonly gateway: Gateway;
  readonly cluster: ClusterConfig;
  readonly log: ReturnType<typeof createLineLog>;
  /** How often a configuration was put in force after the first. */
  readonly count: { reloads: number };
  /** Thrown in place of putting a configuration in force. */
  refuse: Error | undefined;
  ask(path: string, options?: AskOptions): Promise<Answer>;
  page(): Promise<string>;
  close(): Promise<void>;
}

const baseConfig = `
listen: {host: 127.0.0.1, port: 0, console: {port: 0}, health: {host: 127.0.0.1, port: 0}}
observability: {log: {level: silent}}
drain: {grace: 1ms}
state: memory
policies: open
`;

/* Servers of a test are on this machine, where those of no other namespace are asked. */
const platform = "kubernetes: {platformNamespaces: [default]}\n";

export interface ReplicaOptions {
  readonly namespaces?: readonly string[];
  /** Added to the usual configuration, or with `listen` in place of it. */
  readonly base?: string;
}

/** Starts one as the command does; it ends with the test. */
export async function startReplica(
  server: ApiServer | ApiAccess,
  { namespaces = [], base = "" }: ReplicaOptions = {},
): Promise<Replica> {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-cluster-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const own = /^kubernetes:/m.test(base) ? "" : platform;
  writeFileSync(join(dir, "base.yaml"), own + (/^listen:/m.test(base) ? base : baseConfig + base));
  const log = createLineLog();
  const metrics = createMetrics();
  const cluster = openClusterConfig({
    file: join(dir, "base.yaml"),
    access: "credentials" in server ? server : accessTo(server),
    namespaces,
    clock: systemClock,
    log,
    metrics: createKubernetesMetrics(metrics.meter),
    pace: quickPace,
    leaseMs: 900,
  });
  await cluster.ready(new AbortController().signal);
  const source = await openConfig(cluster);
  const gateway = await startGateway(source.config, { metrics });
  const count = { reloads: 0 };
  let closing: Promise<void> | undefined;
  const closeAll = async () => {
    source.close();
    await cluster.close();
    await gateway.drain();
  };
  const replica: Replica = {
    gateway,
    cluster,
    log,
    count,
    refuse: undefined,
    ask: (path, options) => ask(gateway.addresses.data.port, path, options),
    page: async () => (await metrics.render()).body,
    close: () => (closing ??= closeAll()),
  };
  onTestFinished(() => replica.close());
  source.watch({
    log,
    apply: (config) =>
      cluster.apply(config, async () => {
        if (replica.refuse !== undefined) throw replica.refuse;
        count.reloads += 1;
        await gateway.reload(config);
      }),
  });
  cluster.watch(source, gateway.listeners);
  return replica;
}
