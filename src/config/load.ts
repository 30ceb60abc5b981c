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
import { type LocatedProblem, parseYaml } from "./yaml-source.ts";

const FILE_LIMIT_BYTES = 1_048_576;
const SHOWN_LETTERS = 80;

export interface LoadOptions {
  /** Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

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
  | { readonly config: undefined; readonly error: ConfigError }
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

/** Reads, substitutes, checks and freezes one configuration file. Never throws for what stands in the file. */
export function readConfig(file: string, { env = process.env }: LoadOptions = {}): ReadConfig {
  const path = resolve(file);
  const own: Fingerprint = new Map([[path, stateOf(path)]]);
  const text = readText(path);
  const fail = (
    problems: readonly LocatedProblem[],
    files = own,
    redact: Redaction = (plain) => plain,
  ): ReadConfig => ({
    config: undefined,
    error: new ConfigError(file, problems),
    files,
    redact,
  });
  if (typeof text !== "string") return fail([text]);

  const source = parseYaml(text);
  if (source.broken) return fail(source.problems);
  const {
    scalars,
    secrets,
    files,
    problems: unresolved,
  } = substitute(source.document, { baseDir: dirname(path), env });
  const schema = configJsonSchema();
  const redact = createRedaction([...secrets, ...secretsIn(schema, source.value())]);
  const locate = ({ path: at, message }: ConfigProblem): LocatedProblem => {
    const node = source.nodeAt(at);
    const may = isScalar(node) && scalars.has(node) ? "secret" : mayShow(schema, source.value(), at);
    const value = shown(valueAt(source.value(), at), may);
    return { path: at, ...source.locate(at), message: redact(message), ...(value !== undefined && { shown: value }) };
  };

  const parsed = fitTo(configSchema, source, scalars);
  /* What is wrong with a text that should have been replaced says nothing new. */
  const repeated = new Set(unresolved.map((problem) => formatConfigPath(problem.path)));
  const config: Config | undefined = parsed.success ? { ...parsed.data, baseDir: dirname(path) } : undefined;
  const found =
    config === undefined
      ? toProblems(parsed.error?.issues ?? [], schema, source.value())
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
