import { stringify } from "yaml";
import type { Kind, Remark } from "../../src/k8s/kinds/define-kind.ts";
import { createObjects, type ObjectSource } from "../../src/k8s/objects.ts";
import { defaultOptions, type TranslateOptions } from "../../src/k8s/options.ts";
import { parseObject } from "../../src/k8s/parse-object.ts";
import { parseManifests } from "../../src/k8s/read-manifests.ts";
import { translate } from "../../src/k8s/translate.ts";

export interface Sample {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly version?: string;
}

/** An object of a kind as a person writes it. */
export function sample(kind: Kind<unknown>, spec: object, said: Sample = {}): object {
  const { name = "it", version = kind.versions[0], ...metadata } = said;
  const apiVersion = kind.group === "" ? version : `${kind.group}/${version}`;
  const body = kind.reads === "spec" ? { spec } : spec;
  return { apiVersion, kind: kind.kind, metadata: { name, ...metadata }, ...body };
}

export const manifestsOf = (objects: readonly object[] | string) => {
  const text = typeof objects === "string" ? objects : objects.map((object) => stringify(object)).join("---\n");
  const { manifests, problems } = parseManifests(text, "in.yaml");
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return manifests;
};

/** What is wrong with an object: the messages of an API server, and ours, with their paths. */
export function faultsOf(kind: Kind<unknown>, spec: object): readonly string[] {
  const [manifest] = manifestsOf([sample(kind, spec)]);
  if (manifest === undefined) throw new Error("no manifest");
  const parsed = parseObject(kind, manifest, true);
  const text = ({ path, message }: Remark) => `${path.join(".")}: ${message}`;
  return parsed.object === undefined ? parsed.problems.map(text) : [];
}

/** What objects mean, with problems and warnings as `path: message`. */
export function meaningOf(
  objects: readonly object[] | string,
  options: Partial<TranslateOptions> & { readonly source?: ObjectSource } = {},
) {
  const { source = "folder" } = options;
  const { pieces, problems, warnings, statuses } = translate(createObjects(manifestsOf(objects), source), {
    ...defaultOptions,
    ...options,
  });
  const text = ({ path, message }: { readonly path: Remark["path"]; readonly message: string }) =>
    `${path.join(".")}: ${message}`;
  return {
    pieces: pieces.map(({ path, value }) => [path.join(" "), value] as const),
    at: (...path: readonly string[]) =>
      pieces.filter((piece) => piece.path.join(" ") === path.join(" ")).map(({ value }) => value),
    problems: problems.map(text),
    warnings: warnings.map(text),
    statuses,
    statusOf: (kind: string, name: string) => statuses.find((each) => each.kind === kind && each.name === name)?.status,
  };
}
