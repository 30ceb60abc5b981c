import { kinds } from "../../../src/k8s/kinds/registry.ts";

/* What base, overlays and chart must come to, whoever renders them. */

const health = (path: string) => ({ path, port: "health" });

/** See `gatewayFields`. The grace has room for the pause, `drain.grace` (30 s) and ten seconds more. */
export const gateway = {
  replicas: 2,
  containers: 1,
  args: ["src/main.ts", "serve", "--config", "/etc/sallyport/config/sallyport.yaml"],
  ports: { http: 4000, health: 4002 },
  live: health("/livez"),
  ready: health("/readyz"),
  start: health("/livez"),
  pauseSeconds: 5,
  graceSeconds: 45,
  mounts: {
    "/etc/sallyport/config": true,
    "/etc/sallyport/policies": true,
    "/etc/sallyport/secrets": true,
    "/tmp": false,
  },
  spread: 2,
  scrape: { "prometheus.io/scrape": "true", "prometheus.io/port": "4002", "prometheus.io/path": "/metrics" },
  disruption: 1,
};

export const hpa = {
  scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "sallyport" },
  minReplicas: 2,
  maxReplicas: 10,
  metrics: [
    {
      type: "Pods",
      pods: { metric: { name: "sallyport_in_flight" }, target: { type: "AverageValue", averageValue: "100" } },
    },
    { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } } },
  ],
  behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
};

const gatewayWays = [
  "caller > sallyport TCP/4000",
  "prometheus > sallyport TCP/4002",
  "sallyport > kube-dns TCP/53",
  "sallyport > kube-dns UDP/53",
  "sallyport > model-server TCP/8000",
];

/** Every way that is open in the base, of all between its pods and the places of `outside`. */
export const baseWays: readonly string[] = [
  ...gatewayWays,
  "researcher > kube-dns TCP/53",
  "researcher > kube-dns UDP/53",
  "researcher > sallyport TCP/4000",
  "sallyport > clock TCP/8080",
  "sallyport > files TCP/8080",
  "sallyport > notes TCP/8080",
  "sallyport > redis TCP/6379",
  "sallyport > researcher TCP/9000",
  "sallyport > writer TCP/9000",
].toSorted();

export const laptopWays: readonly string[] = [...baseWays, "sallyport > simulator TCP/8000"].toSorted();

/** With the port of HTTPS listeners, and teams' models. */
export const watchWays: readonly string[] = [
  ...laptopWays,
  "caller > sallyport TCP/4443",
  "sallyport > team-model TCP/8000",
].toSorted();

/** What stands where the API server's address belongs, until somebody fills it in. */
export const placeholder = "API_SERVER_ADDRESS";
export const unfilled = `${placeholder}/32 is no block of addresses`;

/** NodeLocal DNSCache, which is no pod either. */
export const dnsBlocks: readonly string[] = ["TCP", "UDP"].map((protocol) => `egress 169.254.20.10/32 ${protocol}/53`);

/** The gateway's and the researcher's. */
export const baseBlocks: readonly string[] = [...dnsBlocks, ...dnsBlocks].toSorted();

/* The API server is no pod: the ways to it are ports of its address alone. */
const apiServerBlocks = [443, 6443, 8443].map((port) => `egress ${placeholder}/32 TCP/${port}`);

export const watchBlocks: readonly string[] = [...baseBlocks, ...apiServerBlocks].toSorted();

export const productionWays: readonly string[] = [...gatewayWays, "sallyport > team-model TCP/8000"].toSorted();

export const chartWays: readonly string[] = gatewayWays.toSorted();

export const productionBlocks: readonly string[] = [
  "egress 0.0.0.0/0 but 10.0.0.0/8 100.64.0.0/10 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 TCP/443",
  "egress 10.20.0.0/24 TCP/6380",
  "egress 2000::/3 TCP/443",
  "egress fd00:10:20::/64 TCP/6380",
  "ingress 0.0.0.0/0 TCP/4000",
  "ingress ::/0 TCP/4000",
  ...dnsBlocks,
  ...apiServerBlocks,
].toSorted();

/* Looked for by name, where somebody names one: they are not everybody's to read. */
const secretive = new Set(["Secret", "ConfigMap"]);
/* Of Kubernetes itself. */
const foreign = new Set(["Service", "EndpointSlice", "Pod", "Namespace", "ReferenceGrant"]);

const resourceOf = ({ group, plural }: { readonly group: string; readonly plural: string }) =>
  `${group === "" ? "core" : group}/${plural}`;

/** What the roles of a gateway that follows the cluster must allow, as `grantsOf` gives it: to read each kind it knows, to write what it has a status for, and no more. */
export const grants: Readonly<Record<string, readonly string[]>> = {
  "ClusterRole/sallyport": kinds
    .filter(({ kind }) => !secretive.has(kind))
    .flatMap((kind) => [
      `${resourceOf(kind)}: get list watch`,
      ...(foreign.has(kind.kind) ? [] : [`${resourceOf(kind)}/status: update`]),
    ])
    .toSorted(),
  "ClusterRole/sallyport-secrets": kinds
    .filter(({ kind }) => secretive.has(kind))
    .map((kind) => `${resourceOf(kind)}: get list watch`)
    .toSorted(),
  "Role/sallyport": ["coordination.k8s.io/leases: create get update"],
};
