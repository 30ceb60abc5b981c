import { type ConfigPieces, createConfigPieces, type PieceSink } from "./config-pieces.ts";
import type { Remark } from "./kinds/define-kind.ts";
import { type Objects, problemAt } from "./objects.ts";
import type { TranslateOptions } from "./options.ts";
import type { KubeObject } from "./parse-object.ts";
import type { ManifestProblem } from "./read-manifests.ts";
import type { ObjectStatus } from "./status.ts";

/** What the translation of one object has to do with. */
export interface ObjectContext {
  readonly objects: Objects;
  readonly options: TranslateOptions;
  readonly config: PieceSink;
  warn(remark: Remark): void;
  /** Takes the object out: nothing that it has put into `config` counts. */
  refuse(remark: Remark): void;
  /** What the object's `status` has to be. */
  status(status: Readonly<Record<string, unknown>>): void;
}

/** An object, whether it could be read or not. */
type Named = Pick<KubeObject<unknown>, "kind" | "namespace" | "name" | "manifest">;

/** What one translation gathers. */
export interface Workspace {
  readonly objects: Objects;
  readonly options: TranslateOptions;
  readonly pieces: ConfigPieces;
  readonly problems: readonly ManifestProblem[];
  readonly warnings: readonly ManifestProblem[];
  readonly statuses: readonly ObjectStatus[];
  contextOf(object: Named): ObjectContext;
}

export function createWorkspace(objects: Objects, options: TranslateOptions): Workspace {
  const pieces = createConfigPieces();
  const problems: ManifestProblem[] = [...objects.problems];
  const warnings: ManifestProblem[] = [...objects.warnings];
  const statuses: ObjectStatus[] = [];
  return {
    objects,
    options,
    pieces,
    problems,
    warnings,
    statuses,
    contextOf({ manifest, kind, namespace, name }) {
      return {
        objects,
        options,
        config: pieces.of(manifest),
        warn: (remark) => void warnings.push(problemAt(manifest, remark)),
        refuse(remark) {
          pieces.drop(manifest);
          problems.push(problemAt(manifest, remark));
        },
        status: (status) =>
          void statuses.push({
            apiVersion: manifest.apiVersion,
            kind: kind.kind,
            namespace,
            name,
            generation: manifest.metadata.generation,
            status,
          }),
      };
    },
  };
}
