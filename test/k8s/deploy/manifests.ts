import { readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parse, parseAllDocuments } from "yaml";

export const root = resolve(import.meta.dirname, "../../..");

/** The folder that holds what goes into a cluster. */
export const k8s = join(root, "k8s");

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Labels;
    readonly annotations?: Labels;
  };
  readonly spec?: unknown;
  readonly data?: Readonly<Record<string, string>>;
}

export type Labels = Readonly<Record<string, string>>;

/** Every object of a text of one or more documents. Throws for what is no YAML. */
export function parseManifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    const object = document.toJS() as Manifest | null;
    return object === null ? [] : [object];
  });
}

export const readManifests = (path: string): readonly Manifest[] => parseManifests(readFileSync(path, "utf8"));

interface Generator {
  readonly name: string;
  readonly behavior?: string;
  readonly files?: readonly string[];
  readonly literals?: readonly string[];
}

export interface Kustomization {
  readonly namespace?: string;
  readonly resources: readonly string[];
  readonly components?: readonly string[];
  readonly configMapGenerator?: readonly Generator[];
  readonly patches?: readonly {
    readonly path?: string;
    readonly patch?: string;
    readonly target?: { readonly kind: string; readonly name: string };
  }[];
  readonly replicas?: readonly { readonly name: string; readonly count: number }[];
}

export const readKustomization = (folder: string): Kustomization =>
  parse(readFileSync(join(folder, "kustomization.yaml"), "utf8")) as Kustomization;

/** A ConfigMap as its generator would make it, but for the hash in its name. */
function generate(folder: string, { name, files = [], literals = [] }: Generator): Manifest {
  const ofFiles = files.map((file) => [basename(file), readFileSync(join(folder, file), "utf8")] as const);
  const ofLiterals = literals.map((literal) => {
    const sign = literal.indexOf("=");
    return [literal.slice(0, sign), literal.slice(sign + 1)] as const;
  });
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name },
    data: Object.fromEntries([...ofFiles, ...ofLiterals]),
  };
}

/** Kinds without a namespace. */
export const ofTheCluster = new Set([
  "Namespace",
  "ClusterRole",
  "ClusterRoleBinding",
  "CustomResourceDefinition",
  "GatewayClass",
]);

const into = (namespace: string | undefined, objects: readonly Manifest[]): readonly Manifest[] =>
  objects.map((object) =>
    namespace === undefined || ofTheCluster.has(object.kind)
      ? object
      : { ...object, metadata: { ...object.metadata, namespace } },
  );

/** What a kustomization adds to those below it: its own files and its components, before patches. */
export function readAdded(folder: string): readonly Manifest[] {
  const { namespace, resources, components = [] } = readKustomization(folder);
  const files = resources.filter((name) => name.endsWith(".yaml")).map((name) => readManifests(join(folder, name)));
  return into(namespace, [...files.flat(), ...components.flatMap((name) => readResources(join(folder, name)))]);
}

/** The resources of a kustomization, of those below it and of its components, before patches of its own and of those. */
export function readResources(folder: string): readonly Manifest[] {
  const { namespace, resources, components = [] } = readKustomization(folder);
  const objects = resources.flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? readKustomized(path) : readManifests(path);
  });
  return into(namespace, [...objects, ...components.flatMap((name) => readResources(join(folder, name)))]);
}

/** What a kustomization without patches comes to: its resources and its ConfigMaps. */
export function readKustomized(folder: string): readonly Manifest[] {
  const { namespace, configMapGenerator = [], patches } = readKustomization(folder);
  if (patches !== undefined) throw new Error(`${folder} has patches, which only kustomize applies`);
  const made = configMapGenerator.map((generator) => generate(folder, generator));
  return [...readResources(folder), ...into(namespace, made)];
}

/** The one object of that kind and name. Throws when there is none. */
export function find(objects: readonly Manifest[], kind: string, name: string): Manifest {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

export const namesOf = (objects: readonly Manifest[]): readonly string[] =>
  objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`).toSorted();
