import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { type Document, type Scalar, visit } from "yaml";
import type { ConfigProblem } from "../core/config-problem.ts";
import { type Fingerprint, stateOf } from "./fingerprint.ts";
import { pathThrough } from "./yaml-source.ts";

export interface SubstituteOptions {
  /** Relative paths in `${file:…}` start here. */
  readonly baseDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Substituted {
  /** Scalars of the document that were changed; true: the whole scalar was one reference. */
  readonly scalars: ReadonlyMap<Scalar, boolean>;
  /** Every value that came from outside the file. */
  readonly secrets: ReadonlySet<string>;
  /** The files that were read or looked for, by absolute path, as they stood just before. */
  readonly files: Fingerprint;
  readonly problems: readonly ConfigProblem[];
}

const FILE_LIMIT_BYTES = 1_048_576;

/* `$${env:X}` stands for the text `${env:X}`. */
const REFERENCE = /\$?\$\{(\w+):([^}]*)\}/g;

function readEnv(name: string, env: SubstituteOptions["env"]): string {
  const value = env[name];
  if (value === undefined) throw new Error(`the environment variable ${name} is not set`);
  return value;
}

function readFile(path: string): string {
  try {
    if (statSync(path).size > FILE_LIMIT_BYTES) throw new Error(`the file ${path} is larger than 1 MiB`);
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new Error(code === "ENOENT" ? `there is no file ${path}` : `the file ${path} cannot be read (${message})`, {
      cause: error,
    });
  }
}

/**
 * Puts environment variables and file contents in place of `${env:NAME}` and `${file:/path}` in the string values of a document.
 * It works on parsed values, not on the text of the file: what a variable holds can never become YAML.
 */
export function substitute(document: Document, { baseDir, env }: SubstituteOptions): Substituted {
  const scalars = new Map<Scalar, boolean>();
  const secrets = new Set<string>();
  const files = new Map<string, string>();
  const problems: ConfigProblem[] = [];

  function lookUp(kind: string, name: string): string {
    if (kind === "env") return readEnv(name, env);
    if (kind !== "file") throw new Error(`\${${kind}:…} is unknown: use \${env:NAME} or \${file:/path}`);
    const path = resolve(baseDir, name);
    files.set(path, stateOf(path));
    return readFile(path);
  }

  visit(document, {
    Scalar(key, node, ancestors) {
      if (typeof node.value !== "string" || !node.value.includes("${")) return;
      const path = pathThrough([...ancestors, node]);
      const before = node.value;
      const after = before.replace(REFERENCE, (reference, kind: string, name: string) => {
        if (reference.startsWith("$$")) return reference.slice(1);
        if (key === "key") {
          problems.push({ path, message: "references stand in values, not in keys" });
          return reference;
        }
        try {
          const value = lookUp(kind, name);
          if (value !== "") secrets.add(value);
          scalars.set(node, before === reference);
          return value;
        } catch (error) {
          problems.push({ path, message: (error as Error).message });
          return reference;
        }
      });
      node.value = after;
    },
  });
  return { scalars, secrets, files, problems };
}
