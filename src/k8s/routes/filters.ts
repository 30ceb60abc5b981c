import type { BackendObject, FilterSpec } from "../kinds/http-route-filter.ts";
import { upperEscapes } from "./matches.ts";

type ConfigFilter = Readonly<Record<string, unknown>>;

/** What filters need to know of the rest of the route. */
export interface FilterDeps {
  /** The service that a mirror's backendRef names; undefined where it cannot be had, which has been said then. */
  mirror(ref: BackendObject, index: number): string | undefined;
  /** What an extension filter stands for; undefined where nobody knows, which has been said then. */
  extension(ref: NonNullable<FilterSpec["extensionRef"]>, index: number): ConfigFilter | undefined;
}

/** Filters in the words of `routes`. */
export interface ConfigFilters {
  readonly filters: readonly ConfigFilter[];
  /** Where each of them stands in the object. */
  readonly indexes: readonly number[];
  /** Whether one of them cannot be had: requests may not go on without it. */
  readonly broken: boolean;
}

export function toFilters(list: readonly FilterSpec[], deps: FilterDeps): ConfigFilters {
  const filters: ConfigFilter[] = [];
  const indexes: number[] = [];
  let broken = false;
  for (const [index, spec] of list.entries()) {
    const made = toFilter(spec, index, deps);
    if (made === "broken") broken = true;
    else if (made !== undefined) {
      filters.push(made);
      indexes.push(index);
    }
  }
  return { filters, indexes, broken };
}

function toFilter(spec: FilterSpec, index: number, deps: FilterDeps): ConfigFilter | "broken" | undefined {
  if (spec.requestHeaderModifier !== undefined) return { requestHeaders: toEdits(spec.requestHeaderModifier) };
  if (spec.responseHeaderModifier !== undefined) return { responseHeaders: toEdits(spec.responseHeaderModifier) };
  if (spec.requestRedirect !== undefined) {
    const { scheme, hostname, path, port, statusCode } = spec.requestRedirect;
    return { redirect: defined({ scheme, host: hostname, port, path: path && toPathEdit(path), status: statusCode }) };
  }
  if (spec.urlRewrite !== undefined) {
    const { hostname, path } = spec.urlRewrite;
    return { rewrite: defined({ host: hostname, path: path && toPathEdit(path) }) };
  }
  if (spec.requestMirror !== undefined) {
    const { backendRef, percent, fraction } = spec.requestMirror;
    const service = deps.mirror(backendRef, index);
    /* One that cannot be had is left out, and the requests go on (HTTPRequestMirrorFilter.backendRef). */
    if (service === undefined) return undefined;
    const share = fraction === undefined ? percent : (fraction.numerator / fraction.denominator) * 100;
    return { mirror: defined({ service, percent: share }) };
  }
  if (spec.cors !== undefined) return { cors: toCors(spec.cors) };
  return spec.extensionRef === undefined ? undefined : (deps.extension(spec.extensionRef, index) ?? "broken");
}

const defined = (fields: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

type HeaderModifier = NonNullable<FilterSpec["requestHeaderModifier"]>;

/* Of names that differ in case alone the first counts (HTTPHeaderFilter). */
function toEdits({ set = [], add = [], remove = [] }: HeaderModifier): ConfigFilter {
  const values = (list: NonNullable<HeaderModifier["set"]>) => {
    const unique = new Map<string, string>();
    for (const { name, value } of list) if (!unique.has(name.toLowerCase())) unique.set(name.toLowerCase(), value);
    return Object.fromEntries(unique);
  };
  return { set: values(set), add: values(add), remove: [...new Set(remove.map((name) => name.toLowerCase()))] };
}

type PathModifier = NonNullable<NonNullable<FilterSpec["urlRewrite"]>["path"]>;

function toPathEdit({ type, replaceFullPath = "", replacePrefixMatch = "" }: PathModifier): ConfigFilter {
  /* A path that is empty is `/` on the wire (RFC 9110, section 4.2.3). */
  return type === "ReplaceFullPath"
    ? { full: replaceFullPath === "" ? "/" : upperEscapes(replaceFullPath) }
    : { prefix: upperEscapes(replacePrefixMatch) };
}

function toCors(spec: NonNullable<FilterSpec["cors"]>): ConfigFilter {
  const {
    allowOrigins = [],
    allowMethods = [],
    allowHeaders = [],
    exposeHeaders = [],
    allowCredentials,
    maxAge,
  } = spec;
  const star = (list: readonly string[]) => (list.includes("*") ? ["*"] : list);
  return {
    origins: allowOrigins.map((origin) => origin.toLowerCase()),
    methods: allowMethods,
    headers: allowHeaders,
    expose: star(exposeHeaders),
    credentials: allowCredentials ?? false,
    maxAge: `${maxAge}s`,
  };
}
