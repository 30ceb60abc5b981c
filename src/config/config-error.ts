import { formatConfigPath } from "../core/config-problem.ts";
import type { LocatedProblem } from "./yaml-source.ts";

/** Where it is, and below that what it is and what to do. */
export function formatProblem({ path, line, column, message, shown }: LocatedProblem): string {
  const where = [line === undefined ? "" : `${line}:${column}`, formatConfigPath(path)].filter((part) => part !== "");
  /* The file itself: it stands in the line above already. */
  if (where.length === 0) return `      ${message}`;
  return `  ${where.join("  ")}${shown === undefined ? "" : ` = ${shown}`}\n      ${message}`;
}

/** A configuration that cannot be honoured. The message lists every problem and holds no secret. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly file: string;
  readonly problems: readonly LocatedProblem[];

  constructor(file: string, problems: readonly LocatedProblem[]) {
    const sorted = problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super([`${file}: ${count}`, ...sorted.map(formatProblem)].join("\n"));
    this.file = file;
    this.problems = sorted;
  }
}
