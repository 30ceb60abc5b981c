import type { ReadConfig } from "../config/load.ts";
import type { ConfigReader } from "../config/reload.ts";
import { nearest } from "../core/nearest.ts";
import { type BuildOptions, type BuiltConfig, buildConfig } from "./build-config.ts";
import { gateway } from "./kinds/gateway.ts";
import { kindOf } from "./kinds/registry.ts";
import { createChangedParser } from "./parse-changed.ts";
import { namespaceOf } from "./parse-object.ts";
import { type ManifestProblem, readManifests, type ReadManifests } from "./read-manifests.ts";

export interface FolderOptions extends Pick<BuildOptions, "file" | "env" | "backends"> {
  /** A folder of manifests, or one file. */
  readonly path: string;
}

/** What a folder comes to, and what in it was not looked at. */
export interface BuiltFolder extends BuiltConfig, Pick<ReadManifests, "passedOver"> {}

/** A folder of manifests as configuration. */
export interface FolderSource extends ConfigReader {
  /** Reads it anew; what has not changed is not parsed again. */
  build(): BuiltFolder;
}

export function createFolderSource({ path, backends = new Map(), ...options }: FolderOptions): FolderSource {
  const parser = createChangedParser();
  let hadObjects = false;
  let formerGateways: ReadonlySet<string> = new Set();

  function build(): BuiltFolder {
    const { manifests, problems, files, passedOver } = readManifests(path, undefined, parser.parse);
    parser.sweep();
    const found = [...problems];
    /* A volume that is no longer mounted leaves an empty folder. Who means it starts again. */
    if (hadObjects && manifests.length === 0 && problems.length === 0)
      found.push(remarkOn(path, "no object is left here: to take everything away, start again"));
    hadObjects ||= manifests.length > 0;
    const asked = new Set<string>();
    const { read, translation } = buildConfig(manifests, found, {
      ...options,
      backends: recorded(backends, asked),
      source: "folder",
      formerGateways,
    });
    if (read.config !== undefined)
      formerGateways = new Set(
        manifests
          .filter((manifest) => kindOf(manifest)?.kind === gateway)
          .map((manifest) => `${namespaceOf(gateway, manifest)}/${manifest.metadata.name}`),
      );
    /* What leads to one may be what is refused. */
    const unused = read.config === undefined ? [] : unusedAmong(backends, asked);
    return {
      passedOver,
      read: { ...read, files: new Map([...read.files, ...files]) },
      translation: { ...translation, warnings: [...translation.warnings, ...unused] },
    };
  }

  return {
    name: path,
    build,
    read(): ReadConfig {
      const { read, translation } = build();
      return read.config === undefined ? read : { ...read, warnings: [...read.warnings, ...translation.warnings] };
    },
  };
}

type Backends = NonNullable<FolderOptions["backends"]>;

/* The same, which notes what it is asked for. */
function recorded(backends: Backends, asked: Set<string>): Backends {
  const copy = new Map(backends);
  copy.get = (name) => {
    asked.add(name);
    return backends.get(name);
  };
  return copy;
}

function unusedAmong(backends: Backends, asked: ReadonlySet<string>): readonly ManifestProblem[] {
  const open = [...asked].filter((name) => !backends.has(name));
  return [...backends.keys()].flatMap((name) => {
    if (asked.has(name)) return [];
    const near = nearest(name, open);
    const meant = near === undefined ? "" : `; did you mean ${near}?`;
    return [remarkOn(`--backend ${name}`, `nothing that is read leads to ${name}${meant}`)];
  });
}

const remarkOn = (file: string, message: string): ManifestProblem => ({
  file,
  line: undefined,
  column: undefined,
  path: [],
  message,
});
