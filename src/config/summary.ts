import { bindHostOf, publicUrlOf } from "../http/config.ts";
import { standIns } from "../inference/config.ts";
import type { Config } from "./schema.ts";

const NAMES_SHOWN = 12;

function list(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const rest = names.length - NAMES_SHOWN;
  return rest > 0 ? `${names.slice(0, NAMES_SHOWN).join(", ")} and ${rest} more` : names.join(", ");
}

function callers({ auth }: Config): string {
  const ways = [
    ...(auth?.embedded === undefined ? [] : ["tokens of the embedded authorization server"]),
    ...(auth?.issuers ?? []).map((issuer) => `tokens of ${issuer.url}`),
    ...(Object.keys(auth?.keys ?? {}).length === 0 ? [] : [`API keys ${list(Object.keys(auth?.keys ?? {}))}`]),
    ...(auth?.anonymous === true ? ["anyone, as the anonymous principal"] : []),
  ];
  return ways.length === 0 ? "nobody yet: set auth.issuers, auth.embedded or auth.keys" : ways.join("; ");
}

function policies({ policies: where }: Config): string {
  if (where === "open") return "open: every authenticated caller may do everything";
  if (typeof where === "string") return `the rules in ${where}; what no rule allows is denied`;
  const what = Array.isArray(where) ? `the rules in ${list(where)}` : `${where.rules.length} rules in this file`;
  return `${what}; what no rule allows is denied`;
}

function models({ models: known }: Config): string {
  const named = Object.entries(known ?? {}).map(([name, entry]) => {
    if ("choose" in entry) {
      const chosen = [...new Set(entry.choose.map(({ use }) => use))];
      const shadow = entry.mode === "shadow" ? "; in shadow mode" : "";
      return `${name} (one of ${list(chosen)}, otherwise ${entry.otherwise}${shadow})`;
    }
    const server = "pool" in entry ? `pool ${entry.pool}` : entry.provider;
    const others = standIns(name, known);
    return `${name} (${others.length === 0 ? server : `${server}, then ${list(others)}`})`;
  });
  return list(named);
}

function pools({ pools: known = {} }: Config): string {
  const named = Object.entries(known).map(([name, { engine, endpoints, dns, pick }]) => {
    const servers = endpoints === undefined ? `every address of ${dns}` : `${endpoints.length} endpoints`;
    return `${name} (${engine}, ${servers}, ${typeof pick === "string" ? pick : "a profile of its own"})`;
  });
  return list(named);
}

function services({ services: known, routes = {} }: Config): [string, string][] {
  if (known === undefined && Object.keys(routes).length === 0) return [];
  const paths = Object.entries(routes).map(
    ([name, { hosts, auth, rules }]) =>
      `${name} (${hosts.length === 0 ? "any host" : list(hosts)}${auth === "optional" ? ", open" : ""}${backends(rules)})`,
  );
  return [
    ["services", list(Object.keys(known ?? {}))],
    ["routes", list(paths)],
  ];
}

function listeners({ listen, listeners: known }: Config): [string, string][] {
  const named = Object.entries(known).map(([name, { port = listen.port, hostname, tls, own }]) => {
    const https = tls !== undefined || (port === listen.port && listen.tls !== undefined);
    return `${name} (${https ? "https" : "http"}, port ${port}, ${hostname ?? "any host"}${own ? ", the gateway's own paths too" : ""})`;
  });
  return named.length === 0 ? [] : [["listeners", list(named)]];
}

const runaways: Readonly<Record<Config["runaway"]["action"], string>> = {
  off: "not looked for",
  warn: "warned",
  slow: "slowed",
  stop: "stopped",
};

function cache({ cache: kept }: Config): string {
  if (kept === undefined) return "none: every call of a model is sent";
  const whose = kept.share === "tenant" ? "within a tenant" : "to the same principal";
  const what = kept.semantic === undefined ? "equal calls" : "equal calls and questions that ask for the same";
  return `answers are given again ${whose} for ${kept.ttl / 1_000} s, to ${what}`;
}

/** The pools and models that rules lead to. */
function backends(rules: NonNullable<Config["routes"]>[string]["rules"]): string {
  const named = rules.flatMap(({ to }) =>
    to.flatMap((each) => ("pool" in each ? [`pool ${each.pool}`] : "model" in each ? [`model ${each.model}`] : [])),
  );
  return named.length === 0 ? "" : `, to ${list([...new Set(named)])}`;
}

function state({ state: where }: Config): string {
  if (where.kind === "memory") return "in memory: a restart forgets everything";
  return where.kind === "sqlite" ? "a SQLite file: a restart forgets nothing" : "Redis, shared by every replica";
}

const guard = ({ type, on, where }: Config["guardrails"][number]) =>
  `${type} on ${on.join(", ")}${where === undefined ? "" : ` where ${where}`}`;

/** What a configuration means, in words, on one screen. */
export function summarize(config: Config): string[] {
  const rows: [string, string][] = [
    ["address", `${publicUrlOf(config).origin}, bound to ${bindHostOf(config)}:${config.listen.port}`],
    ...listeners(config),
    ["callers", callers(config)],
    ["tenant", config.tenant ?? "what the credential says"],
    ["policies", policies(config)],
    ...Object.entries(config.mcp?.routes ?? {}).map(([path, { servers, tools }]): [string, string] => [
      "MCP",
      `${path} offers ${tools === undefined ? "everything" : `tools ${list(tools)}`} of ${list(servers)}`,
    ]),
    ["agents", list(Object.keys(config.a2a?.agents ?? {}))],
    ["models", models(config)],
    ["pools", pools(config)],
    ...services(config),
    ["guards", list(config.guardrails.map(guard))],
    [
      "budgets",
      list(config.budgets.map(({ name, limits }) => `${name} (${limits.map(({ text }) => text).join(", ")})`)),
    ],
    ["cache", cache(config)],
    ["runaways", runaways[config.runaway.action]],
    ["state", state(config)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `${name.padEnd(width)}  ${text}`);
}
