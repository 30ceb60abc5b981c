import { ConfigError } from "../config/config-error.ts";
import { readConfig, type LoadOptions, type ReadConfig } from "../config/load.ts";
import type { LocatedProblem } from "../config/yaml-source.ts";
import { type ConfigPath, formatConfigPath } from "../core/config-problem.ts";
import { type ConfigPiece, mergePieces, type PlacedPiece } from "./config-pieces.ts";
import type { Remark } from "./kinds/define-kind.ts";
import type { JsonMap, Manifest } from "./manifest.ts";
import { createObjects, type Objects, problemAt } from "./objects.ts";
import { ManifestError } from "./manifest-error.ts";
import type { ManifestProblem } from "./read-manifests.ts";
import { type GivenOptions, toOptions } from "./to-options.ts";
import { translate, type Translation } from "./translate.ts";

export interface BuildOptions extends GivenOptions {
  /** The configuration file that manifests are added to. */
  readonly file?: string | undefined;
  readonly env?: LoadOptions["env"];
  /** Told of the objects of each round: who fetches them one by one learns here which are asked for. */
  readonly observe?: (objects: Objects) => Objects;
}

/** The configuration that objects and a file come to. */
export interface BuiltConfig {
  /** Refused where the file is at fault; in a folder also where one object is. */
  readonly read: ReadConfig;
  /** Problems are those of objects alone. */
  readonly translation: Omit<Translation, "pieces">;
}

/* Each round takes out what the last one has found; what has no end by then is not taken at all. */
const ROUNDS = 8;

/**
 * Makes the configuration of manifests. An object that the configuration cannot hold is out, whole, and the rest is looked at again.
 * `found`: what was wrong already when the manifests were read.
 */
export function buildConfig(
  manifests: readonly Manifest[],
  found: readonly ManifestProblem[],
  { file, env, observe = (objects) => objects, ...given }: BuildOptions,
): BuiltConfig {
  const rejected = new Map<Manifest, Remark[]>();
  const source = given.source ?? "folder";
  for (let round = 1; ; round++) {
    const objects = observe(createObjects(manifests, source, rejected));
    const made: { translation?: Translation; placed: readonly PlacedPiece[] } = { placed: [] };
    const clashing = new Map<Manifest, Remark[]>();
    const read = readConfig(file, {
      ...(env !== undefined && { env }),
      extend(base: JsonMap) {
        made.translation = translate(objects, toOptions(base, given));
        const merged = mergePieces(withPolicies(base, made.translation.pieces), made.translation.pieces);
        made.placed = merged.placed;
        clashing.clear();
        for (const { from, remark } of merged.clashes) add(clashing, from, remark);
        return merged.value;
      },
    });
    const { translation = { problems: objects.problems, warnings: objects.warnings, statuses: [] } } = made;
    const faulty = new Map([...clashing, ...faultsOf(read, made.placed)]);
    for (const [manifest, remarks] of faulty) rejected.set(manifest, remarks);
    if (faulty.size > 0 && round < ROUNDS) continue;
    const problems = [...found, ...translation.problems];
    const told = { ...translation, problems };
    if (read.config === undefined) return { read, translation: told };
    if (problems.length > 0 && source === "folder") {
      const { files, redact } = read;
      return { read: { config: undefined, error: new ManifestError(problems), files, redact }, translation: told };
    }
    const { own, others } = sortWarnings(read.warnings, made.placed);
    return {
      read: { ...read, warnings: others },
      translation: { ...told, warnings: [...told.warnings, ...own] },
    };
  }
}

/* Who writes nothing of policies, or that there are none, has those of the manifests, and without any callers may do everything. */
function withPolicies({ policies, ...rest }: JsonMap, pieces: readonly ConfigPiece[]): JsonMap {
  if (pieces.some(({ path }) => path[0] === "policies"))
    return policies === undefined || policies === "open" ? rest : { ...rest, policies };
  return { ...rest, policies: policies ?? "open" };
}

/** What is wrong with a configuration that came of an object, by the object. */
function faultsOf(read: ReadConfig, placed: readonly PlacedPiece[]): ReadonlyMap<Manifest, Remark[]> {
  const faults = new Map<Manifest, Remark[]>();
  if (read.config !== undefined || !(read.error instanceof ConfigError)) return faults;
  for (const { path, message } of read.error.problems) {
    const owner = ownerOf(path, placed);
    if (owner !== undefined) add(faults, owner.piece.from, toRemark(owner, path, message));
  }
  return faults;
}

/* What is doubtful about an object is said at its place, and the rest at that of the configuration file. */
function sortWarnings(warnings: readonly LocatedProblem[], placed: readonly PlacedPiece[]) {
  const own: ManifestProblem[] = [];
  const others: LocatedProblem[] = [];
  for (const warning of warnings) {
    const owner = ownerOf(warning.path, placed);
    if (owner === undefined) others.push(warning);
    else own.push(problemAt(owner.piece.from, toRemark(owner, warning.path, warning.message)));
  }
  return { own, others };
}

const ownerOf = (path: ConfigPath, placed: readonly PlacedPiece[]): PlacedPiece | undefined =>
  placed.find(({ path: at }) => at.every((part, index) => path[index] === part));

function toRemark({ path: at, piece: { locate } }: PlacedPiece, path: ConfigPath, message: string): Remark {
  const inner = path.slice(at.length);
  if (locate !== undefined) return { path: locate(inner), message };
  const where = formatConfigPath(inner);
  return { path: [], message: where === "" ? message : `${where}: ${message}` };
}

function add(map: Map<Manifest, Remark[]>, from: Manifest, remark: Remark): void {
  map.set(from, [...(map.get(from) ?? []), remark]);
}
