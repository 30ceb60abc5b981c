/** Keys and list positions from the top of the configuration down to the value at fault. */
export type ConfigPath = readonly (string | number)[];

/**
 * One thing wrong with a configuration. A domain's `config.ts` may export `check…(config): readonly ConfigProblem[]` for what
 * its schema cannot see, such as a name that another branch should have defined; the loader adds the value and the line.
 */
export interface ConfigProblem {
  readonly path: ConfigPath;
  /** What is expected, and what to do. Never the value: it may be a secret. */
  readonly message: string;
}

/** A path as a person writes it: `mcp.routes["/mcp"].servers[0]`. */
export function formatConfigPath(path: ConfigPath): string {
  const text = path
    .map((part) => {
      if (typeof part === "number") return `[${part}]`;
      return /^[\w-]+$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
    })
    .join("");
  return text.startsWith(".") ? text.slice(1) : text;
}
