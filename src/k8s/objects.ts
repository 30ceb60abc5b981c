import { formatConfigPath } from "../core/config-problem.ts";
import { nearest } from "../core/nearest.ts";
import { addressKey, type Holder, indexAddresses } from "./address-index.ts";
import type { Kind, Remark } from "./kinds/define-kind.ts";
import { kindOf, kinds } from "./kinds/registry.ts";
import { groupOf, type Manifest } from "./manifest.ts";
import { type KubeObject, namespaceOf, parseObject } from "./parse-object.ts";
import type { ManifestProblem } from "./read-manifests.ts";

/** Objects by kind, namespace and name, however they were come by. */
export interface Objects {
  /** The namespace of kinds of the whole cluster is empty. */
  get<S>(kind: Kind<S>, namespace: string, name: string): KubeObject<S> | undefined;
  /** Those of a namespace, or of all of them, in the order of namespaces and names. */
  list<S>(kind: Kind<S>, namespace?: string): readonly KubeObject<S>[];
  /** The Services and pods that have an IP address, however it is written. */
  holders(address: string): readonly Holder[];
  /** Why an object that is there is not taken; undefined where it is, or where there is none. */
  refused(kind: Kind<unknown>, namespace: string, name: string): RefusedObject | undefined;
  /** Why nobody has looked whether there is such an object; undefined where somebody has. */
  unread(kind: Kind<unknown>, namespace: string, name: string): string | undefined;
  readonly allRefused: readonly RefusedObject[];
  readonly problems: readonly ManifestProblem[];
  readonly warnings: readonly ManifestProblem[];
}

/** An object that cannot be honoured. */
export interface RefusedObject {
  readonly kind: Kind<unknown>;
  readonly namespace: string;
  readonly name: string;
  readonly manifest: Manifest;
  readonly problems: readonly Remark[];
}

/** Why an object is refused, in one text. */
export const reasonOf = ({ problems }: Pick<RefusedObject, "problems">): string =>
  problems
    .map(({ path, message }) => (path.length === 0 ? message : `${formatConfigPath(path)}: ${message}`))
    .join("; ");

/** `folder`: what a person wrote, of which every word counts. `cluster`: what an API server has taken. */
export type ObjectSource = "folder" | "cluster";

/** A remark on an object, at its place. */
export const problemAt = ({ source }: Manifest, { path, message }: Remark): ManifestProblem => ({
  file: source.file,
  ...source.locate(path),
  path,
  message,
});

/** Reads and indexes objects. Never throws for what stands in them. `rejected`: those that are known not to be taken, and why. */
export function createObjects(
  manifests: readonly Manifest[],
  source: ObjectSource,
  rejected: ReadonlyMap<Manifest, readonly Remark[]> = new Map(),
): Objects {
  const index = new Map<Kind<unknown>, Map<string, Map<string, KubeObject<unknown>>>>();
  const refused = new Map<string, RefusedObject>();
  const seen = new Map<string, Manifest>();
  const problems: ManifestProblem[] = [];
  const warnings: ManifestProblem[] = [];

  for (const manifest of manifests) {
    const found = kindOf(manifest);
    if (found === undefined) {
      const remark = strangerRemark(manifest);
      if (remark !== undefined)
        (source === "folder" && remark.fatal ? problems : warnings).push(problemAt(manifest, remark));
      continue;
    }
    const { kind, version } = found;
    const namespace = namespaceOf(kind, manifest);
    const { name } = manifest.metadata;
    const key = keyOf(kind, namespace, name);
    const twin = seen.get(key);
    if (twin !== undefined) {
      const where = `${twin.source.file}:${twin.source.line}`;
      problems.push(
        problemAt(manifest, { path: ["metadata", "name"], message: `${kind.kind} ${name} stands in ${where} already` }),
      );
      continue;
    }
    seen.set(key, manifest);
    const refuse = (faults: readonly Remark[]) => {
      refused.set(key, { kind, namespace, name, manifest, problems: faults });
      problems.push(...faults.map((fault) => problemAt(manifest, fault)));
    };
    if (!found.read) {
      const message = `version ${version} of ${kind.kind} is not read: write ${kind.versions.join(" or ")}`;
      refuse([{ path: ["apiVersion"], message }]);
      continue;
    }
    const why = rejected.get(manifest);
    if (why !== undefined) {
      refuse(why);
      continue;
    }
    const read = parseObject(kind, manifest, source === "folder");
    warnings.push(...read.warnings.map((warning) => problemAt(manifest, warning)));
    if (read.object === undefined) {
      refuse(read.problems);
      continue;
    }
    const namespaces = index.get(kind) ?? new Map<string, Map<string, KubeObject<unknown>>>();
    index.set(kind, namespaces);
    const names = namespaces.get(namespace) ?? new Map<string, KubeObject<unknown>>();
    namespaces.set(namespace, names);
    names.set(name, read.object);
  }
  const lists = new Map<Kind<unknown>, readonly KubeObject<unknown>[]>();
  for (const [kind, namespaces] of index)
    lists.set(kind, [...namespaces.values()].flatMap((names) => [...names.values()]).toSorted(byNamespaceAndName));

  let holders: ReadonlyMap<string, readonly Holder[]> | undefined;

  return {
    get: <S>(kind: Kind<S>, namespace: string, name: string) =>
      index.get(kind)?.get(namespace)?.get(name) as KubeObject<S> | undefined,
    list<S>(kind: Kind<S>, namespace?: string) {
      const found =
        namespace === undefined
          ? lists.get(kind)
          : [...(index.get(kind)?.get(namespace)?.values() ?? [])].toSorted(byNamespaceAndName);
      return (found ?? []) as readonly KubeObject<S>[];
    },
    holders(address) {
      const key = addressKey(address);
      if (key === undefined) return [];
      holders ??= indexAddresses(<S>(kind: Kind<S>) => (lists.get(kind) ?? []) as readonly KubeObject<S>[]);
      return holders.get(key) ?? [];
    },
    refused: (kind, namespace, name) => refused.get(keyOf(kind, namespace, name)),
    unread: () => undefined,
    allRefused: [...refused.values()],
    problems,
    warnings,
  };
}

const keyOf = (kind: Kind<unknown>, namespace: string, name: string) =>
  `${kind.group}/${kind.kind}/${namespace}/${name}`;

function byNamespaceAndName(a: KubeObject<unknown>, b: KubeObject<unknown>): number {
  return compare(a.namespace, b.namespace) || compare(a.name, b.name);
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/* Kinds that say nothing about traffic stand in every folder: nobody has to hear of them. */
const groupsOfOthers = new Set([
  "apps",
  "batch",
  "autoscaling",
  "policy",
  "rbac.authorization.k8s.io",
  "networking.k8s.io",
  "apiextensions.k8s.io",
]);

/** What is to be said of a kind that is not read; undefined where nothing is. */
function strangerRemark(manifest: Manifest): (Remark & { readonly fatal: boolean }) | undefined {
  const group = groupOf(manifest);
  if (group === "networking.k8s.io" && manifest.kind === "Ingress")
    return {
      path: ["kind"],
      message: "an Ingress is not served: `sallyport migrate` makes HTTPRoutes of it",
      fatal: false,
    };
  if (group === "kustomize.config.k8s.io")
    return {
      path: [],
      message:
        "a kustomization is passed over: files are read as they stand, and `kubectl kustomize` makes objects of it",
      fatal: false,
    };
  if (group === "" || groupsOfOthers.has(group)) return undefined;
  const own = kinds.filter((kind) => kind.group === group).map(({ kind }) => kind);
  const near = nearest(manifest.kind, own);
  const known =
    own.length === 0
      ? ""
      : near === undefined
        ? `; of ${group} there are ${own.join(", ")}`
        : `; did you mean ${near}?`;
  return { path: ["kind"], message: `${manifest.kind} of ${group} is not read${known}`, fatal: own.length > 0 };
}
