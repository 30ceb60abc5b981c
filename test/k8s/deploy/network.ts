import { isIP } from "node:net";
import type { Labels, Manifest } from "./manifests.ts";
import { workloadsOf } from "./pods.ts";

interface Selector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

interface Port {
  readonly protocol: string;
  readonly port: number;
}

interface Policy {
  readonly namespace: string;
  readonly podSelector: Selector;
  readonly policyTypes: readonly string[];
  readonly ingress?: readonly { readonly from?: readonly Peer[]; readonly ports?: readonly Port[] }[];
  readonly egress?: readonly { readonly to?: readonly Peer[]; readonly ports?: readonly Port[] }[];
}

/** Pods, here or in a namespace that these manifests do not make. */
export interface Place {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly namespaceLabels: Labels;
  /** The ports it listens at, as `TCP/4000`. */
  readonly ports: readonly string[];
}

function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator === "Exists") return labels[key] !== undefined;
      if (operator !== "In") throw new Error(`the operator ${operator} is not read here`);
      return values.includes(labels[key] ?? "");
    })
  );
}

function isPeer({ podSelector, namespaceSelector, ipBlock }: Peer, place: Place, from: Policy): boolean {
  if (ipBlock !== undefined) return false;
  const inNamespace =
    namespaceSelector === undefined
      ? place.namespace === from.namespace
      : selects(namespaceSelector, place.namespaceLabels);
  return inNamespace && (podSelector === undefined || selects(podSelector, place.labels));
}

const opens = (ports: readonly Port[] | undefined, port: string) =>
  ports === undefined || ports.some((one) => `${one.protocol}/${one.port}` === port);

const policiesOf = (objects: readonly Manifest[]): readonly Policy[] =>
  objects
    .filter(({ kind }) => kind === "NetworkPolicy")
    .map(({ metadata, spec }) => ({ ...(spec as Omit<Policy, "namespace">), namespace: metadata.namespace ?? "" }));

/** Which of them a pod is under, for one direction; without any, everything is open. */
const holdFor = (policies: readonly Policy[], place: Place, type: "Ingress" | "Egress") =>
  policies.filter(
    ({ namespace, podSelector, policyTypes }) =>
      namespace === place.namespace && policyTypes.includes(type) && selects(podSelector, place.labels),
  );

function isOpen(policies: readonly Policy[], from: Place, to: Place, port: string): boolean {
  const out = holdFor(policies, from, "Egress");
  const into = holdFor(policies, to, "Ingress");
  const goesOut = out.some((policy) =>
    (policy.egress ?? []).some(
      ({ to: peers, ports }) =>
        opens(ports, port) && (peers === undefined || peers.some((peer) => isPeer(peer, to, policy))),
    ),
  );
  const comesIn = into.some((policy) =>
    (policy.ingress ?? []).some(
      ({ from: peers, ports }) =>
        opens(ports, port) && (peers === undefined || peers.some((peer) => isPeer(peer, from, policy))),
    ),
  );
  return (out.length === 0 || goesOut) && (into.length === 0 || comesIn);
}

/** Every way from pods to pods that the policies leave open, as `from > to TCP/80`, sorted. */
export function openWays(objects: readonly Manifest[], outside: readonly Place[]): readonly string[] {
  const policies = policiesOf(objects);
  const labelsOf = (namespace: string) =>
    objects.find(({ kind, metadata }) => kind === "Namespace" && metadata.name === namespace)?.metadata.labels;
  const here = workloadsOf(objects).map(({ name, namespace, labels, pod }): Place => ({
    name,
    namespace,
    labels,
    namespaceLabels: { "kubernetes.io/metadata.name": namespace, ...labelsOf(namespace) },
    ports: pod.containers.flatMap(({ ports = [] }) => ports.map(({ containerPort }) => `TCP/${containerPort}`)),
  }));
  const places = [...here, ...outside];
  return places
    .flatMap((from) =>
      places
        .filter((to) => to !== from && (here.includes(from) || here.includes(to)))
        .flatMap((to) =>
          to.ports
            .filter((port) => isOpen(policies, from, to, port))
            .map((port) => `${from.name} > ${to.name} ${port}`),
        ),
    )
    .toSorted();
}

/** Every block of addresses that pods may reach or be reached from, as `egress 0.0.0.0/0 TCP/443`, sorted. */
export function openBlocks(objects: readonly Manifest[]): readonly string[] {
  const ways = (direction: string, peers: readonly Peer[] | undefined, ports: readonly Port[] | undefined) =>
    (peers ?? [{ ipBlock: { cidr: "anywhere" } }]).flatMap(({ ipBlock }) =>
      ipBlock === undefined
        ? []
        : (ports ?? [{ protocol: "any", port: 0 }]).map(
            ({ protocol, port }) =>
              `${direction} ${ipBlock.cidr}${ipBlock.except === undefined ? "" : ` but ${ipBlock.except.join(" ")}`} ${protocol}/${port}`,
          ),
    );
  return policiesOf(objects)
    .flatMap(({ ingress = [], egress = [] }) => [
      ...ingress.flatMap(({ from, ports }) => ways("ingress", from, ports)),
      ...egress.flatMap(({ to, ports }) => ways("egress", to, ports)),
    ])
    .toSorted();
}

/** Whether a block of addresses is one to an API server: `10.0.0.0/8`, `fd00::/64`. */
export function isBlock(cidr: string): boolean {
  const [, address = "", bits = ""] = /^([^/]+)\/(\d{1,3})$/.exec(cidr) ?? [];
  const version = isIP(address);
  return version !== 0 && Number(bits) <= (version === 4 ? 32 : 128);
}

/** Every block of addresses that a policy names, and what it leaves out. */
export const blocksOf = (objects: readonly Manifest[]): readonly string[] =>
  policiesOf(objects)
    .flatMap(({ ingress = [], egress = [] }) => [
      ...ingress.flatMap(({ from = [] }) => from),
      ...egress.flatMap(({ to = [] }) => to),
    ])
    .flatMap(({ ipBlock }) => (ipBlock === undefined ? [] : [ipBlock.cidr, ...(ipBlock.except ?? [])]));

/** Namespaces and pods beside these manifests: some that may come in or be reached, and one that may not. */
export const outside: readonly Place[] = [
  place("kube-dns", "kube-system", { "k8s-app": "kube-dns" }, ["UDP/53", "TCP/53"]),
  place("model-server", "models", { "app.kubernetes.io/name": "model-server" }, ["TCP/8000"]),
  place("another-model", "models", { "app.kubernetes.io/name": "another" }, ["TCP/8000"]),
  {
    ...place("team-model", "support", { "sallyport.dev/model": "llama-3-8b" }, ["TCP/8000"]),
    namespaceLabels: { "sallyport.dev/routes": "true" },
  },
  place("prometheus", "monitoring", {}, []),
  { ...place("caller", "team-a", {}, []), namespaceLabels: { "sallyport.dev/clients": "true" } },
  place("stranger", "default", { "app.kubernetes.io/name": "sallyport" }, ["TCP/80", "TCP/443"]),
];

function place(name: string, namespace: string, labels: Labels, ports: readonly string[]): Place {
  return { name, namespace, labels, ports, namespaceLabels: { "kubernetes.io/metadata.name": namespace } };
}
