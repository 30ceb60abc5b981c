import { resolve } from "node:path";
import { stateOf } from "../config/fingerprint.ts";
import type { ReadConfig } from "../config/load.ts";
import type { ConfigReader } from "../config/reload.ts";
import { type BuildOptions, type BuiltConfig, buildConfig } from "./build-config.ts";
import { createChangedParser } from "./parse-changed.ts";
import { readManifests } from "./read-manifests.ts";

export interface FolderOptions extends Pick<BuildOptions, "file" | "env" | "backends"> {
  /** A folder of manifests, or one file. */
  readonly path: string;
}

/** A folder of manifests as configuration. */
export interface FolderSource extends ConfigReader {
  /** Reads it anew; what has not changed is not parsed again. */
  build(): BuiltConfig;
}

export function createFolderSource({ path, ...options }: FolderOptions): FolderSource {
  const parser = createChangedParser();

  function build(): BuiltConfig {
    const { manifests, problems, files } = readManifests(path, undefined, parser.parse);
    parser.sweep();
    const { read, translation } = buildConfig(manifests, problems, { ...options, source: "folder" });
    const seen = files.map((file): [string, string] => [resolve(file), stateOf(file)]);
    return { read: { ...read, files: new Map([...read.files, ...seen]) }, translation };
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
