import { resolve } from "node:path";
import { stateOf } from "../config/fingerprint.ts";
import type { ReadConfig } from "../config/load.ts";
import type { ConfigReader } from "../config/reload.ts";
import { type BuildOptions, type BuiltConfig, buildConfig } from "./build-config.ts";
import { parseManifests, readManifests } from "./read-manifests.ts";

export interface FolderOptions extends Pick<BuildOptions, "file" | "env" | "backends"> {
  /** A folder of manifests, or one file. */
  readonly path: string;
}

/** A folder of manifests as configuration. */
export interface FolderSource extends ConfigReader {
  /** Reads it anew; files that have not changed are not parsed again. */
  build(): BuiltConfig;
}

export function createFolderSource({ path, ...options }: FolderOptions): FolderSource {
  type Parsed = ReturnType<typeof parseManifests>;
  let known = new Map<string, { readonly text: string; readonly parsed: Parsed }>();

  function build(): BuiltConfig {
    const next: typeof known = new Map();
    const { manifests, problems, files } = readManifests(path, undefined, (text, file) => {
      const former = known.get(file);
      const parsed = former?.text === text ? former.parsed : parseManifests(text, file);
      next.set(file, { text, parsed });
      return parsed;
    });
    known = next;
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
