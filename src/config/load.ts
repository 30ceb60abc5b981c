import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { isScalar } from "yaml";
import { type ConfigProblem, formatConfigPath } from "../core/config-problem.ts";
import { checks, doubts } from "./checks.ts";
import { ConfigError } from "./config-error.ts";
import { fitTo } from "./coerce.ts";
import { type Fingerprint, stateOf } from "./fingerprint.ts";
import { toProblems, valueAt } from "./issues.ts";
import { configJsonSchema } from "./json-schema.ts";
import { createRedaction, HIDDEN, type Redaction } from "./redaction.ts";
import { mayShow, secretsIn } from "./schema-walk.ts";
import { type Config, configSchema } from "./schema.ts";
import { substitute } from "./substitute.ts";
import { type LocatedProblem, parseYaml, type YamlSource } from "./yaml-source.ts";

const FILE_LIMIT_BYTES = 1_048_576;
const SHOWN_LETTERS = 80;

export interface LoadOptions {
  /** Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Adds to what the file says, once its references are replaced: what is added is taken as it stands. May be called twice. */
  readonly extend?: (value: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
}

/** What holds where there is no file. */
const WITHOUT_FILE = "policies: open\n";

/** What came of reading a configuration: the configuration, or everything that is wrong with it. */
export type ReadConfig = {
  /** The file and every file it refers to, by absolute path, as they stood just before they were read: what a reload watches. */
  readonly files: Fingerprint;
  /** Blanks out every secret of this configuration in a text. */
  readonly redact: Redaction;
} & (
  | {
      readonly config: Config;
      /** What is probably not meant as it stands there; it holds no secret. */
      readonly warnings: readonly LocatedProblem[];
    }
  | { readonly config: undefined; readonly error: Error }
);

function readText(file: string): string | LocatedProblem {
  const problem = (message: string) => ({ path: [], line: undefined, column: undefined, message });
  try {
    if (statSync(file).size > FILE_LIMIT_BYTES) return problem("the file is larger than 1 MiB");
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return problem(code === "ENOENT" ? "there is no such file" : `the file cannot be read (${message})`);
  }
}

function deepFreeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  /* Only what a parser builds: a schema may put a URL or a RegExp in, whose own state must stay as it is. */
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
}

function shown(value: unknown, may: ReturnType<typeof mayShow>): string | undefined {
  if (value === undefined || value === null || typeof value === "object" || may === "unknown") return undefined;
  if (may === "secret") return HIDDEN;
  const text = JSON.stringify(value);
  return text.length > SHOWN_LETTERS ? `${text.slice(0, SHOWN_LETTERS)}…` : text;
}

/**
 * Reads, substitutes, checks and freezes one configuration file; undefined: there is none, and callers may do everything. Never throws
 * for what stands in the file.
 */
export function readConfig(file: string | undefined, { env = process.env, extend }: LoadOptions = {}): ReadConfig {
  const path = resolve(file ?? "sallyport.yaml");
  const own: Fingerprint = file === undefined ? new Map() : new Map([[path, stateOf(path)]]);
  const text = file === undefined ? WITHOUT_FILE : readText(path);
  const fail = (
    problems: readonly LocatedProblem[],
    files = own,
    redact: Redaction = (plain) => plain,
  ): ReadConfig => ({
    config: undefined,
    error: new ConfigError(file ?? "", problems),
    files,
    redact,
  });
  if (typeof text !== "string") return fail([text]);

  const written = parseYaml(text);
  if (written.broken) return fail(written.problems);
  const source: YamlSource =
    extend === undefined ? written : { ...written, value: () => extend(written.value() as Record<string, unknown>) };
  const {
    scalars,
    secrets,
    files,
    problems: unresolved,
  } = substitute(source.document, { baseDir: dirname(path), env });
  const schema = configJsonSchema();
  const parsed = fitTo(configSchema, source, scalars);
  const root = source.value();
  const redact = createRedaction([...secrets, ...secretsIn(schema, root)]);
  const locate = ({ path: at, message }: ConfigProblem): LocatedProblem => {
    const node = source.nodeAt(at);
    const may = isScalar(node) && scalars.has(node) ? "secret" : mayShow(schema, root, at);
    const value = shown(valueAt(root, at), may);
    return { path: at, ...source.locate(at), message: redact(message), ...(value !== undefined && { shown: value }) };
  };

  /* What is wrong with a text that should have been replaced says nothing new. */
  const repeated = new Set(unresolved.map((problem) => formatConfigPath(problem.path)));
  const config: Config | undefined = parsed.success ? { ...parsed.data, baseDir: dirname(path) } : undefined;
  const found =
    config === undefined
      ? toProblems(parsed.error?.issues ?? [], schema, root)
      : checks.flatMap((check) => check(config));
  const problems = [...unresolved, ...found.filter((problem) => !repeated.has(formatConfigPath(problem.path)))];
  const watched = new Map([...files, ...own]);
  if (config === undefined || problems.length + source.problems.length > 0)
    return fail([...source.problems, ...problems.map(locate)], watched, redact);
  deepFreeze(config);
  const warnings = doubts.flatMap((doubt) => doubt(config)).map(locate);
  return { config, warnings, files: watched, redact };
}

/** The parsed, frozen configuration in `file`. Throws a ConfigError that lists every problem with its path, value and fix. */
export function loadConfig(file: string, options?: LoadOptions): Config {
  const read = readConfig(file, options);
  if (read.config === undefined) throw read.error;
  return read.config;
}
