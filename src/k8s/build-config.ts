import { ConfigError } from "../config/config-error.ts";
import { readConfig, type LoadOptions, type ReadConfig } from "../config/load.ts";
import type { LocatedProblem } from "../config/yaml-source.ts";
import { type ConfigPath, formatConfigPath } from "../core/config-problem.ts";
import { type ConfigPiece, mergePieces, type PlacedPiece } from "./config-pieces.ts";
import { findCulpritsIn } from "./culprits.ts";
import type { Remark } from "./kinds/define-kind.ts";
import type { JsonMap, Manifest } from "./manifest.ts";
import { createObjects, type Objects, type ObjectSource, problemAt } from "./objects.ts";
import { ManifestError } from "./manifest-error.ts";
import { defaultOptions, isPlatform, type TranslateOptions } from "./options.ts";
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

type Rejected = ReadonlyMap<Manifest, readonly Remark[]>;

/** What comes of the objects without those that are rejected. */
interface Round {
  readonly read: ReadConfig;
  readonly translation: Translation;
  readonly placed: readonly PlacedPiece[];
  readonly options: TranslateOptions;
  /** What is wrong with objects, by the object. */
  readonly faults: Map<Manifest, Remark[]>;
  /** What is wrong, and not with one object. */
  readonly others: readonly LocatedProblem[];
}

/**
 * Makes the configuration of manifests. Objects that the configuration cannot hold are out, whole, and the rest is looked at again, for
 * as long as there are any. `found`: what was wrong already when the manifests were read.
 */
export function buildConfig(
  manifests: readonly Manifest[],
  found: readonly ManifestProblem[],
  options: BuildOptions,
): BuiltConfig {
  const rejected = new Map<Manifest, readonly Remark[]>();
  const { source = "folder" } = options;
  for (;;) {
    const round = lookAt(manifests, rejected, options);
    const faults = round.faults.size > 0 ? round.faults : source === "cluster" ? blame(round) : new Map();
    const known = rejected.size;
    for (const [manifest, remarks] of faults) rejected.set(manifest, remarks);
    if (rejected.size === known) return finish(round, found, source);
  }

  /* Who is to blame for what is wrong with no object, and not with the configuration file by itself. */
  function blame({ others, placed, options: given }: Round): Rejected {
    if (others.length === 0) return new Map();
    const owners = new Set(placed.map(({ piece }) => piece.from));
    const without = (taken: readonly Manifest[]) => {
      const out = new Set(owners);
      for (const manifest of taken) out.delete(manifest);
      return lookAt(manifests, new Map([...rejected, ...[...out].map((each) => [each, []] as const)]), options).others;
    };
    const keyOf = ({ path, message }: LocatedProblem) => `${formatConfigPath(path)}: ${message}`;
    const ofFile = new Set(without([]).map(keyOf));
    const news = others.map(keyOf).filter((key) => !ofFile.has(key));
    if (news.length === 0) return new Map();
    const namespaces = Map.groupBy(owners, ({ metadata }) => metadata.namespace ?? "");
    const rank = ([namespace, { length }]: readonly [string, readonly Manifest[]]) =>
      namespace === "" || isPlatform(given, namespace) ? 0 : length;
    const groups = [...namespaces].toSorted((a, b) => rank(a) - rank(b)).map(([, group]) => group);
    const culprits = findCulpritsIn(groups, (taken) => without(taken).every((each) => ofFile.has(keyOf(each))));
    const message = `the configuration cannot hold it beside what else there is: ${news.join("; ")}`;
    return new Map(culprits.map((manifest) => [manifest, [{ path: [], message }]]));
  }
}

function lookAt(
  manifests: readonly Manifest[],
  rejected: Rejected,
  { file, env, observe = (objects) => objects, ...given }: BuildOptions,
): Round {
  const objects = observe(createObjects(manifests, given.source ?? "folder", rejected));
  const { problems, warnings } = objects;
  let made: Pick<Round, "translation" | "placed" | "options" | "faults"> = {
    translation: { pieces: [], problems, warnings, statuses: [] },
    placed: [],
    options: defaultOptions,
    faults: new Map(),
  };
  const read = readConfig(file, {
    ...(env !== undefined && { env }),
    extend(base: JsonMap) {
      const options = toOptions(base, given);
      const translation = translate(objects, options);
      const { value, placed, clashes } = mergePieces(withPolicies(base, translation.pieces), translation.pieces);
      const faults = new Map<Manifest, Remark[]>();
      for (const { piece, remark } of clashes) add(faults, piece, remark);
      made = { translation, placed, options, faults };
      return value;
    },
  });
  const others: LocatedProblem[] = [];
  /* What clashes is not there yet: what else is wrong may be wrong for want of it. */
  if (made.faults.size === 0 && read.config === undefined && read.error instanceof ConfigError)
    for (const problem of read.error.problems) {
      const owner = ownerOf(problem.path, made.placed);
      if (owner === undefined) others.push(problem);
      else add(made.faults, owner.piece, toRemark(owner, problem.path, problem.message));
    }
  return { read, ...made, others };
}

function finish(
  { read, translation, placed }: Round,
  found: readonly ManifestProblem[],
  source: ObjectSource,
): BuiltConfig {
  const problems = [...found, ...translation.problems];
  const { warnings, statuses } = translation;
  const told = { problems, warnings, statuses };
  if (read.config === undefined) return { read, translation: told };
  if (problems.length > 0 && source === "folder") {
    const { files, redact } = read;
    return { read: { config: undefined, error: new ManifestError(problems), files, redact }, translation: told };
  }
  const { own, others } = sortWarnings(read.warnings, placed);
  return {
    read: { ...read, warnings: others },
    translation: { ...told, warnings: [...warnings, ...own] },
  };
}

/* Who writes nothing of policies, or that there are none, has those of the manifests, and without any callers may do everything. */
function withPolicies({ policies, ...rest }: JsonMap, pieces: readonly ConfigPiece[]): JsonMap {
  if (pieces.some(({ path }) => path[0] === "policies"))
    return policies === undefined || policies === "open" ? rest : { ...rest, policies };
  return { ...rest, policies: policies ?? "open" };
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

/* What several objects have made together is wrong with each of them. */
function add(map: Map<Manifest, Remark[]>, { from, also }: ConfigPiece, remark: Remark): void {
  for (const manifest of [from, ...also]) map.set(manifest, [...(map.get(manifest) ?? []), remark]);
}
