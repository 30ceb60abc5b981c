import type { Labels, Manifest } from "./manifests.ts";

/* What may differ between two renderings of the same: names that carry a hash or a namespace, and what Helm writes on everything. */

const ofHelm = new Set([
  "app.kubernetes.io/instance",
  "app.kubernetes.io/managed-by",
  "helm.sh/chart",
  "checksum/config",
]);
const carriesLabels = new Set(["labels", "annotations", "matchLabels", "selector"]);
const generated = /^(sallyport-(?:config|policies|env))-[a-z0-9]{10}$/;

const without = (labels: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => !ofHelm.has(name)));

function level(value: unknown): unknown {
  if (typeof value === "string")
    return value.replace(generated, "$1").replace(/^sallyport-(sallyport(?:-secrets)?)$/, "$1");
  if (Array.isArray(value)) return value.map(level);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, one]): [string, unknown] => [
        key,
        carriesLabels.has(key) ? without(level(one) as Labels) : level(one),
      ])
      .filter(([, one]) => !(typeof one === "object" && one !== null && Object.keys(one).length === 0)),
  );
}

/* Left to whoever makes them, said in other words by Helm (`grantsIn` compares those), or kept by Helm beside its templates. */
const passedOver = new Set(["Namespace", "ClusterRole", "Role", "CustomResourceDefinition"]);

/** By kind and name, what of each object matters, sorted. */
export function essenceOf(objects: readonly Manifest[]): Readonly<Record<string, unknown>> {
  const entries = objects
    .filter(({ kind, metadata }) => !passedOver.has(kind) && !metadata.name.endsWith("default-deny"))
    .map((object) => {
      const { metadata, ...rest } = level(object) as Manifest;
      const { labels: _, ...place } = metadata;
      return [`${object.kind}/${place.name}`, { ...rest, metadata: place }] as const;
    });
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
