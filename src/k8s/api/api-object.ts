import { isMap, type JsonMap, type Manifest, type ManifestMetadata } from "../manifest.ts";
import { ApiError } from "./api-error.ts";

/** What is followed at an API server: the objects of one kind, of one namespace or of all, or one of them. */
export interface Followed {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  /** In the order in which they are asked for: not every server has the newest. */
  readonly versions: readonly string[];
  /** Undefined: all namespaces, or a kind that has none. */
  readonly namespace?: string | undefined;
  /** Of one object alone. */
  readonly name?: string | undefined;
}

/** An object as an API server keeps it. */
export interface ApiObject extends JsonMap {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: JsonMap & {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion: string;
    readonly generation?: number;
  };
}

/** The key of an object among those of its kind. */
export const keyOf = ({ metadata: { namespace, name } }: ApiObject): string => `${namespace ?? ""}/${name}`;

export function pathOf({ group, plural, namespace }: Omit<Followed, "versions">, version: string): string {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}${namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`}/${plural}`;
}

/* `kubectl apply` keeps the whole object in it, a Secret's values too. */
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** Takes an object of a list or an event, without what only takes up memory. Items of a built-in kind's list do not say what they are. */
export function readApiObject(value: unknown, { group, kind }: Followed, version: string): ApiObject {
  const given = isMap(value) ? value : {};
  const metadata = isMap(given["metadata"]) ? given["metadata"] : {};
  const { name, resourceVersion, managedFields: _, annotations, ...rest } = metadata;
  if (typeof name !== "string" || name === "" || typeof resourceVersion !== "string")
    throw new ApiError(200, { reason: "Malformed", message: `it gave a ${kind} without a name or a version` });
  const kept = isMap(annotations) ? Object.entries(annotations).filter(([key]) => key !== lastApplied) : [];
  return {
    ...(kind === "Pod" ? slimPod(given) : given),
    apiVersion: group === "" ? version : `${group}/${version}`,
    kind,
    metadata: { ...rest, name, resourceVersion, ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }) },
  };
}

/* A pod is 10 kB of which its addresses and whether it is ready count. */
function slimPod({ spec, status }: JsonMap): JsonMap {
  const { podIP, podIPs, phase, conditions } = isMap(status) ? status : {};
  const containers = isMap(spec) && Array.isArray(spec["containers"]) ? (spec["containers"] as unknown[]) : [];
  const ports = containers.map((container) => ({
    name: isMap(container) ? container["name"] : "",
    ...(isMap(container) && container["ports"] !== undefined && { ports: container["ports"] }),
  }));
  return { spec: { containers: ports }, status: { podIP, podIPs, phase, conditions } };
}

/** Whether nothing but status and bookkeeping differ: such a change says nothing about traffic. */
export function sameButStatus(a: ApiObject, b: ApiObject): boolean {
  const { generation, labels, annotations, deletionTimestamp } = a.metadata;
  return (
    a.kind !== "Pod" &&
    generation !== undefined &&
    generation === b.metadata.generation &&
    a.metadata.uid === b.metadata.uid &&
    deletionTimestamp === b.metadata["deletionTimestamp"] &&
    JSON.stringify([labels, annotations]) === JSON.stringify([b.metadata["labels"], b.metadata["annotations"]])
  );
}

/** The object for whatever takes manifests. It stands on no line of a file: its place is its kind and its name. */
export function toManifest(object: ApiObject, plural: string): Manifest {
  const { metadata } = object;
  const place = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
  const { generation, creationTimestamp } = metadata;
  const read: ManifestMetadata = {
    name: metadata.name,
    namespace: metadata.namespace,
    labels: textsOf(metadata["labels"]),
    annotations: textsOf(metadata["annotations"]),
    ...(generation !== undefined && { generation }),
    ...(typeof creationTimestamp === "string" && { creationTimestamp }),
  };
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: read,
    spec: object["spec"],
    value: object,
    source: { file: `${plural} ${place}`, line: 1, locate: () => ({ line: 1, column: 1 }) },
  };
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  if (!isMap(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
