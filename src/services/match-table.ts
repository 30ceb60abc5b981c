import type { CanonicalRequest } from "../core/exchange.ts";
import type { MatchConfig, RouteConfig, RoutesConfig, TextMatch } from "./route-config.ts";

/** What a request has to have for one `match` of one rule, and what is done with it then. */
export interface Entry<T> {
  readonly to: T;
  readonly method: string | undefined;
  readonly headers: readonly TextTest[];
  readonly query: readonly TextTest[];
}

interface TextTest {
  readonly name: string;
  readonly fits: (text: string) => boolean;
}

/** The entries of one host, or of none: those for a path are in the order of precedence. */
interface HostTable<T> {
  readonly exact: Map<string, Entry<T>[]>;
  readonly patterns: { readonly pattern: RegExp; readonly entry: Entry<T> }[];
  /** By prefix without its trailing slash; that of `/` is empty. */
  readonly prefixes: Map<string, Entry<T>[]>;
}

/** Finds what a request matches, by the precedence of HTTPRoute (Gateway API, HTTPRouteRule.matches). */
export interface MatchTable<T> {
  /** Among the routes that name the request's host. */
  byHost(request: CanonicalRequest): T | undefined;
  /** Among the routes that name no host. */
  byPath(request: CanonicalRequest): T | undefined;
  /** Whether a route names this host, given in lower case and without its port. */
  knows(host: string): boolean;
}

/** Gives what is to be done with a request that matches `rules[rule].match[match]` of a route. */
export type ToTarget<T> = (route: string, rule: number, match: MatchConfig) => T;

/**
 * Makes the tables once for a configuration. A request is looked up by its host and then by its path, segment by segment: how many routes
 * there are costs nothing. Regular expressions are tried only where some are configured for the host: after exact paths, before prefixes.
 */
export function createMatchTable<T>(routes: RoutesConfig, toTarget: ToTarget<T>): MatchTable<T> {
  const exactHosts = new Map<string, HostTable<T>>();
  /* By what follows the star and its dot. */
  const wildcards = new Map<string, HostTable<T>>();
  const anyHost = createHostTable<T>();
  for (const each of rankedMatches(routes)) {
    const entry = toEntry(each.match, toTarget(each.route, each.rule, each.match));
    if (each.hosts.length === 0) add(anyHost, each.match, entry);
    for (const host of each.hosts) {
      const wild = host.startsWith("*.");
      const tables = wild ? wildcards : exactHosts;
      const key = wild ? host.slice(2) : host;
      const table = tables.get(key) ?? createHostTable<T>();
      tables.set(key, table);
      add(table, each.match, entry);
    }
  }
  const hostless = exactHosts.size === 0 && wildcards.size === 0;

  return {
    byHost(request) {
      if (hostless) return undefined;
      const host = nameOf(request.host);
      const exact = exactHosts.get(host);
      const found = exact && find(exact, request);
      if (found !== undefined || wildcards.size === 0) return found;
      // The longest first; a star stands for one label at least.
      for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
        const wild = wildcards.get(host.slice(dot + 1));
        const fitting = wild && find(wild, request);
        if (fitting !== undefined) return fitting;
      }
      return undefined;
    },
    byPath: (request) => find(anyHost, request),
    knows(host) {
      if (exactHosts.has(host)) return true;
      for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1))
        if (wildcards.has(host.slice(dot + 1))) return true;
      return false;
    },
  };
}

/** A host without its port. */
function nameOf(host: string): string {
  const colon = host.lastIndexOf(":");
  return colon < 0 || host.endsWith("]") ? host : host.slice(0, colon);
}

const createHostTable = <T>(): HostTable<T> => ({ exact: new Map(), patterns: [], prefixes: new Map() });

const bare = (prefix: string) => prefix.replace(/\/$/, "");

function add<T>({ exact, patterns, prefixes }: HostTable<T>, { path }: MatchConfig, entry: Entry<T>): void {
  if ("regex" in path) return void patterns.push({ pattern: new RegExp(`^(?:${path.regex})$`), entry });
  const [map, key] = "exact" in path ? [exact, path.exact] : [prefixes, bare(path.prefix)];
  const entries = map.get(key);
  if (entries === undefined) map.set(key, [entry]);
  else entries.push(entry);
}

function find<T>({ exact, patterns, prefixes }: HostTable<T>, request: CanonicalRequest): T | undefined {
  const { path } = request;
  const asked = new Asked(request);
  let found = exact.size === 0 ? undefined : asked.firstOf(exact.get(path));
  if (found !== undefined) return found;
  for (const { pattern, entry } of patterns) if (asked.fits(entry) && pattern.test(path)) return entry.to;
  if (prefixes.size === 0) return undefined;
  for (let end = path.length; end >= 0; end = end === 0 ? -1 : path.lastIndexOf("/", end - 1)) {
    found = asked.firstOf(prefixes.get(path.slice(0, end)));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A request as entries look at it: its query is read when the first of them asks for it. */
class Asked {
  readonly #request: CanonicalRequest;
  /** The method that a browser asks for leave to use. */
  readonly #preflight: string | undefined;
  #query: URLSearchParams | undefined;

  constructor(request: CanonicalRequest) {
    this.#request = request;
    this.#preflight = preflightMethodOf(request);
  }

  firstOf<T>(entries: readonly Entry<T>[] | undefined): T | undefined {
    if (entries === undefined) return undefined;
    for (const entry of entries) if (this.fits(entry)) return entry.to;
    return undefined;
  }

  fits({ method, headers, query }: Entry<unknown>): boolean {
    if (method !== undefined && method !== this.#request.method && method !== this.#preflight) return false;
    for (const { name, fits } of headers) {
      const value = this.#request.headers[name];
      if (value === undefined || !fits(value)) return false;
    }
    for (const { name, fits } of query) {
      this.#query ??= new URLSearchParams(this.#request.query);
      const value = this.#query.get(name);
      if (value === null || !fits(value)) return false;
    }
    return true;
  }
}

/** The method of a CORS preflight (Fetch, section 3.3.2); undefined for any other request. */
export function preflightMethodOf({ method, headers }: CanonicalRequest): string | undefined {
  return method === "OPTIONS" && headers["origin"] !== undefined ? headers["access-control-request-method"] : undefined;
}

function toEntry<T>({ method, headers, query }: MatchConfig, to: T): Entry<T> {
  return { to, method, headers: toTests(headersOf(headers)), query: toTests(query) };
}

const toTests = (matches: Readonly<Record<string, TextMatch>>): TextTest[] =>
  Object.entries(matches).map(([name, match]) => {
    if (typeof match === "string") return { name, fits: (text) => text === match };
    const pattern = new RegExp(`^(?:${match.regex})$`);
    return { name, fits: (text) => pattern.test(text) };
  });

/** Of names that differ in case alone the first counts (Gateway API, HTTPHeaderMatch.name). */
function headersOf(headers: MatchConfig["headers"]): Record<string, TextMatch> {
  const unique: Record<string, TextMatch> = {};
  for (const [spelling, match] of Object.entries(headers)) unique[spelling.toLowerCase()] ??= match;
  return unique;
}

interface RankedMatch {
  readonly route: string;
  readonly hosts: readonly string[];
  readonly rule: number;
  readonly match: MatchConfig;
}

/**
 * Every `match` on its own, in the order in which they count among those of one host and one path: a method, most headers, most
 * parameters of the query, the older route, the name of the route, the earlier rule.
 */
function rankedMatches(routes: RoutesConfig): readonly RankedMatch[] {
  const names = Object.keys(routes).toSorted((a, b) => compareRoutes(routes, a, b));
  const all = names.flatMap((route) =>
    (routes[route]?.rules ?? []).flatMap(({ match }, rule) =>
      match.map((each) => ({ route, hosts: routes[route]?.hosts ?? [], rule, match: each, rank: rankOf(each) })),
    ),
  );
  /* Sorting keeps what is equal in its order. */
  return all.toSorted((a, b) => {
    for (const [index, value] of a.rank.entries()) {
      const difference = (b.rank[index] ?? 0) - value;
      if (difference !== 0) return difference;
    }
    return 0;
  });
}

/* The longest first: of two ways to write a prefix, with a slash and without, the former has more characters. */
function rankOf({ path, method, headers, query }: MatchConfig): readonly number[] {
  const [text = ""] = Object.values(path);
  return [text.length, method === undefined ? 0 : 1, Object.keys(headersOf(headers)).length, Object.keys(query).length];
}

function compareRoutes(routes: RoutesConfig, a: string, b: string): number {
  const age = createdAtMs(routes[a]) - createdAtMs(routes[b]);
  if (age !== 0 && !Number.isNaN(age)) return age;
  return a < b ? -1 : 1;
}

const createdAtMs = (route: RouteConfig | undefined): number =>
  route?.created === undefined ? Number.POSITIVE_INFINITY : Date.parse(route.created);
