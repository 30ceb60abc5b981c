import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { PoliciesConfig } from "./config.ts";
import { PolicyError, type PolicyProblem } from "./policy-error.ts";
import { parsePolicyFile, type Placed, type PolicyTest } from "./policy-file.ts";
import type { Rule } from "./rule.ts";

const FILE_LIMIT_BYTES = 1_048_576;

/** The rules as they were written, and the tests beside them. */
export interface Policies {
  /** Absolute paths of the files read, and of the folders they were found in: what a reload watches. */
  readonly files: readonly string[];
  readonly rules: readonly Placed<Rule>[];
  readonly tests: readonly Placed<PolicyTest>[];
}

const isPolicyFile = (name: string) => /\.ya?ml$/.test(name) && !name.startsWith(".");

/** The files under a path, in the order of their names: a folder gives its .yaml and .yml files, folders below it included. */
function filesUnder(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (entry.isDirectory() && !entry.name.startsWith(".")) return filesUnder(join(path, entry.name));
      return isPolicyFile(entry.name) ? [join(path, entry.name)] : [];
    });
}

/* As a person would type it from here. */
function placeOf(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere === "" || fromHere.startsWith("..") ? path : fromHere;
}

function readPolicyFile(file: string): string {
  if (statSync(file).size > FILE_LIMIT_BYTES) throw new Error("the file is larger than 1 MiB");
  return readFileSync(file, "utf8");
}

const reason = (error: unknown) => {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return "there is no such file or folder";
  return error instanceof Error ? error.message : String(error);
};

function doubledNames(rules: readonly Placed<Rule>[]): PolicyProblem[] {
  const first = new Map<string, string>();
  return rules.flatMap(({ value: { name }, place }) => {
    const before = first.get(name);
    if (before !== undefined) return [{ place, message: `the name "${name}" is taken by the rule at ${before}` }];
    first.set(name, place);
    return [];
  });
}

/** Reads what the configuration names. Throws PolicyError with everything that is wrong, also when there is no rule at all. */
export function loadPolicies(config: Exclude<PoliciesConfig, "open">, baseDir: string): Policies {
  if (typeof config === "object" && "rules" in config) {
    const rules = config.rules.map((value, index) => ({ value, place: `policies.rules[${index}]` }));
    const problems = doubledNames(rules);
    if (problems.length > 0) throw new PolicyError(problems);
    return { files: [], rules, tests: [] };
  }
  const paths = (typeof config === "string" ? [config] : config).map((path) => resolve(baseDir, path));
  const problems: PolicyProblem[] = [];
  const rules: Placed<Rule>[] = [];
  const tests: Placed<PolicyTest>[] = [];
  const files = new Set<string>();
  for (const path of paths) {
    try {
      for (const file of filesUnder(path)) {
        if (files.has(file)) continue;
        files.add(file);
        const parsed = parsePolicyFile(readPolicyFile(file), placeOf(file));
        problems.push(...parsed.problems);
        rules.push(...parsed.rules);
        tests.push(...parsed.tests);
      }
    } catch (error) {
      problems.push({ place: placeOf(path), message: reason(error) });
    }
  }
  problems.push(...doubledNames(rules));
  if (problems.length === 0 && rules.length === 0) {
    problems.push({
      place: paths.map(placeOf).join(", "),
      message:
        "there is no rule here, so nobody could do anything; `policies: open` lets every authenticated caller do everything",
    });
  }
  if (problems.length > 0) throw new PolicyError(problems);
  return { files: [...new Set([...paths, ...files])], rules, tests };
}
