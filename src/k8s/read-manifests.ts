import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { type Fingerprint, stateOf } from "../config/fingerprint.ts";
import { parseYamlStream, type YamlSource } from "../config/yaml-source.ts";
import { type ConfigPath, formatConfigPath } from "../core/config-problem.ts";
import { kindOf, kinds } from "./kinds/registry.ts";
import { groupOf, isMap, type JsonMap, type Manifest, type ManifestMetadata } from "./manifest.ts";

/** What is wrong with a file or an object in it. Line and column are undefined where it is the file itself. */
export interface ManifestProblem {
  readonly file: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly path: ConfigPath;
  readonly message: string;
}

export interface ReadManifests {
  /** In the order of the files' names, and in a file as they stand. */
  readonly manifests: readonly Manifest[];
  /** What could not be read; what it concerns is not among the manifests, unless the message says what was taken. */
  readonly problems: readonly ManifestProblem[];
  /** The files read and the folders they were found in, as they stood just before they were read: what a reload watches. */
  readonly files: Fingerprint;
  /** Files of a folder that are none of manifests by their names. */
  readonly passedOver: readonly string[];
}

export interface ManifestLimits {
  readonly fileBytes: number;
  readonly files: number;
  readonly objects: number;
}

const defaultLimits: ManifestLimits = { fileBytes: 8 * 1_048_576, files: 10_000, objects: 100_000 };

/** As a person reads it: `routes/chat.yaml:12:5  spec.rules[0]  …`. */
export function formatManifestProblem({ file, line, column, path, message }: ManifestProblem): string {
  const place = line === undefined ? file : `${file}:${line}:${column}`;
  const inside = formatConfigPath(path);
  return `${place}  ${inside === "" ? "" : `${inside}  `}${message}`;
}

/**
 * Reads every Kubernetes object in a file, or in the .yaml, .yml and .json files of a folder and the folders below it, in whatever case
 * their names end. Names that begin
 * with a dot are passed over, and so is a link to a folder (a mounted ConfigMap has such a pair, and a link can lead in a circle).
 * Never throws for what a file holds: what cannot be read is a problem.
 */
export function readManifests(
  path: string,
  limits: ManifestLimits = defaultLimits,
  parse: typeof parseManifests = parseManifests,
): ReadManifests {
  const manifests: Manifest[] = [];
  const problems: ManifestProblem[] = [];
  const files = new Map<string, string>();
  const passedOver: string[] = [];
  const fault = (file: string, message: string) =>
    problems.push({ file: placeOf(file), line: undefined, column: undefined, path: [], message });

  const found = findFiles(path, { fault, files, passedOver });
  if (found.length > limits.files)
    fault(path, `${found.length} files are more than the ${limits.files} that are read: name a smaller folder`);
  for (const file of found.slice(0, limits.files)) {
    try {
      const status = statSync(file);
      if (!status.isFile()) {
        fault(file, "not a file that can be read to its end");
        continue;
      }
      const { size } = status;
      if (size > limits.fileBytes) {
        fault(file, `the file has ${size} bytes, more than the ${limits.fileBytes} that are read: split it`);
        continue;
      }
      const read = parse(readFileSync(file, "utf8"), placeOf(file));
      problems.push(...read.problems);
      const room = limits.objects - manifests.length;
      manifests.push(...read.manifests.slice(0, room));
      if (read.manifests.length > room)
        fault(file, `more than ${limits.objects} objects: what stands from here on is not read`);
    } catch (error) {
      fault(file, reasonOf(error));
    }
  }
  return { manifests, problems, files, passedOver };
}

/** Reads the objects in one text: documents, and the items of a List. `file` is only for their places. */
export function parseManifests(text: string, file: string): Pick<ReadManifests, "manifests" | "problems"> {
  const manifests: Manifest[] = [];
  const problems: ManifestProblem[] = [];
  for (const source of parseYamlStream(text)) {
    problems.push(...source.problems.map(({ line, column, path, message }) => ({ file, line, column, path, message })));
    if (source.problems.length === 0) readObject({ source, file, manifests, problems }, source.value(), []);
  }
  return { manifests, problems };
}

interface Reading {
  readonly source: YamlSource;
  readonly file: string;
  readonly manifests: Manifest[];
  readonly problems: ManifestProblem[];
}

function readObject(reading: Reading, value: unknown, path: ConfigPath): void {
  const { source, file, manifests } = reading;
  const fault = (inner: ConfigPath, message: string) => {
    const at = [...path, ...inner];
    reading.problems.push({ file, ...source.locate(at), path: at, message });
  };
  if (!isMap(value)) return fault([], "expected a Kubernetes object: a map with apiVersion, kind and metadata");
  const { apiVersion, kind } = { ...typeOf(reading.file, value), ...value };
  if (typeof apiVersion !== "string" || typeof kind !== "string" || apiVersion === "" || kind === "")
    return fault([], "not a Kubernetes object: it needs apiVersion and kind, each a text");
  if (Array.isArray(value["items"]) && kind.endsWith("List")) {
    for (const [index, item] of value["items"].entries()) {
      /* The items of a list that an API server gave carry neither: the list says it for them. */
      const typed = isMap(item) && kind !== "List" ? { apiVersion, kind: kind.slice(0, -4), ...item } : item;
      readObject(reading, typed, [...path, "items", index]);
    }
    return undefined;
  }
  const type = { apiVersion, kind };
  const metadata = readMetadata(value["metadata"] ?? (isStranger(type) ? {} : undefined), type, fault);
  if (metadata === undefined) return undefined;
  const locate = (inner: ConfigPath) => source.locate([...path, ...inner]);
  manifests.push({
    apiVersion,
    kind,
    metadata,
    spec: value["spec"],
    value,
    source: { file, line: locate([]).line, locate },
  });
}

/* A kustomization need not say what it is: its file's name does. */
const typeOf = (file: string, { apiVersion, kind }: JsonMap) =>
  apiVersion === undefined && kind === undefined && /^kustomization\.ya?ml$/.test(basename(file))
    ? { apiVersion: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization" }
    : {};

type Type = Pick<Manifest, "apiVersion" | "kind">;
type Fault = (path: ConfigPath, message: string) => void;

/* Of a kind that is passed over: a Job may have `generateName` alone, and a kustomization nothing. */
function isStranger(type: Type): boolean {
  const group = groupOf(type);
  return kindOf(type) === undefined && (group === "" || !kinds.some((kind) => kind.group === group));
}

function readMetadata(metadata: unknown, type: Type, fault: Fault): ManifestMetadata | undefined {
  if (!isMap(metadata)) {
    fault(["metadata"], "expected a map with a name");
    return undefined;
  }
  const { name = isStranger(type) ? "" : undefined, namespace, generation, creationTimestamp, generateName } = metadata;
  if (typeof name !== "string" || (name === "" && !isStranger(type))) {
    const generated =
      typeof generateName === "string"
        ? `; ${type.kind} ${generateName}… has generateName, which is for an API server`
        : "";
    fault(["metadata", "name"], `expected a name, as a text${generated}`);
    return undefined;
  }
  if (namespace !== undefined && namespace !== null && typeof namespace !== "string") {
    fault(["metadata", "namespace"], "expected a name, as a text: put it in quotes");
    return undefined;
  }
  return {
    name,
    namespace: typeof namespace === "string" && namespace !== "" ? namespace : undefined,
    labels: readTexts(metadata, "labels", fault),
    annotations: readTexts(metadata, "annotations", fault),
    ...(typeof generation === "number" && { generation }),
    ...(typeof creationTimestamp === "string" && { creationTimestamp }),
  };
}

function readTexts(metadata: JsonMap, key: "labels" | "annotations", fault: Fault): Readonly<Record<string, string>> {
  const texts = metadata[key] ?? {};
  if (!isMap(texts)) {
    fault(["metadata", key], "expected a map of texts");
    return {};
  }
  const entries = Object.entries(texts).map(([name, value]): [string, string] => {
    if (typeof value === "string") return [name, value];
    const taken = JSON.stringify(value);
    fault(
      ["metadata", key, name],
      "expected a text, and an API server refuses anything else: put it in quotes; read as if it were",
    );
    return [name, taken];
  });
  return Object.fromEntries(entries);
}

const isManifestFile = (name: string) => /\.(?:ya?ml|json)$/i.test(name);

interface Search {
  readonly fault: (file: string, message: string) => void;
  readonly files: Map<string, string>;
  readonly passedOver: string[];
}

/* In the order of their names. */
function findFiles(path: string, search: Search): string[] {
  const { fault, files, passedOver } = search;
  try {
    files.set(resolve(path), stateOf(path));
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path, { withFileTypes: true })
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((entry) => {
        if (entry.name.startsWith(".")) return [];
        const inner = join(path, entry.name);
        if (entry.isDirectory()) return findFiles(inner, search);
        if (isManifestFile(entry.name)) {
          files.set(resolve(inner), stateOf(inner));
          return [inner];
        }
        if (entry.isFile()) passedOver.push(placeOf(inner));
        return [];
      });
  } catch (error) {
    fault(path, reasonOf(error));
    return [];
  }
}

/* As a person would type it from here. */
function placeOf(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere === "" || fromHere.startsWith("..") ? path : fromHere;
}

function reasonOf(error: unknown): string {
  if (error instanceof RangeError) return "values are nested too deeply";
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return "there is no such file or folder";
  return error instanceof Error ? error.message : String(error);
}
