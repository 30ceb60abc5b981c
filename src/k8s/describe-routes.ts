import type { Config } from "../config/schema.ts";

type Routes = NonNullable<Config["routes"]>;
type Rule = Routes[string]["rules"][number];

/** What is routed where, a line for each match: as a person reads it. */
export function describeRoutes({ routes = {} }: Pick<Config, "routes">): string[] {
  return Object.entries(routes).flatMap(([name, { hosts, listeners, rules }]) => [
    "",
    `route ${name}  ${hosts.length === 0 ? "any host" : hosts.join(", ")}${listeners === undefined ? "" : `  by ${listeners.join(", ")}`}`,
    ...rules.flatMap((rule) => rule.match.map((match) => `  ${describeMatch(match)} → ${describeTarget(rule)}`)),
  ]);
}

function describeMatch({ path, method, headers, query }: Rule["match"][number]): string {
  const where = "exact" in path ? `= ${path.exact}` : "regex" in path ? `~ ${path.regex}` : path.prefix;
  const tests = (what: string, map: typeof headers) =>
    Object.entries(map).map(
      ([name, test]) => `${what} ${name} ${typeof test === "string" ? `= ${test}` : `~ ${test.regex}`}`,
    );
  return [...(method === undefined ? [] : [method]), where, ...tests("header", headers), ...tests("query", query)].join(
    ", ",
  );
}

function describeTarget({ filters, to }: Rule): string {
  const edits = filters.flatMap((filter) => Object.keys(filter));
  const sum = to.reduce((all, { weight }) => all + weight, 0);
  const targets = to.map((each) => {
    const what =
      "unresolved" in each
        ? `500 (${each.unresolved})`
        : "service" in each
          ? each.service
          : "pool" in each
            ? `pool ${each.pool}`
            : `model ${each.model}`;
    return to.length === 1 ? what : `${what} ${sum === 0 ? 0 : Math.round((each.weight / sum) * 1_000) / 10}%`;
  });
  if (targets.length === 0) return edits.includes("redirect") ? "redirect" : "500 (no backend)";
  return `${targets.join(", ")}${edits.length === 0 ? "" : ` (${edits.join(", ")})`}`;
}
