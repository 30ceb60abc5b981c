import { GatewayError } from "../core/errors.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { dialects, endpoints } from "./dialects/registry.ts";

/** Where models are listed. */
export const LIST_PATH = "/v1/models";

const isListed = (path: string): boolean => path === LIST_PATH || path.startsWith(`${LIST_PATH}/`);

/** The path of a request as a dialect knows it: its own, or on a route the first of those it may stand for. */
export function callPathOf({ request: { path }, route: { models } }: Exchange): string {
  if (models === undefined) return path;
  const paths = models.pathsOf(path);
  return paths.find((each) => endpoints.has(each) || isListed(each)) ?? paths[0] ?? path;
}

/** The name of a model in `/v1/models/NAME`; empty for the list itself, undefined for another path. */
export function listedName(path: string): string | undefined {
  return isListed(path) ? decode(path.slice(LIST_PATH.length + 1)) : undefined;
}

/* A model's name may hold a slash or a percent sign; a broken escape is a name that nobody has. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** The wire format the caller speaks: its path tells, and where the path is in both dialects or in none, a header that only one has. */
export function dialectOf(exchange: Exchange): Dialect {
  const name = endpoints.get(callPathOf(exchange))?.dialect;
  if (name !== undefined) return dialects[name];
  return exchange.request.headers["anthropic-version"] === undefined ? dialects.openai : dialects.anthropic;
}

/** The error of a path that is in no dialect. */
export function unknownPath({ request: { method, path }, route: { models } }: Exchange): GatewayError {
  const served = [...endpoints.keys(), LIST_PATH].join(", ");
  const [as = path, below] = models?.pathsOf(path) ?? [];
  const who = models === undefined ? "This gateway" : "This route";
  const prefix = below === undefined ? "" : path.slice(0, path.length - (below === "/" ? 0 : below.length));
  return new GatewayError(
    "method_not_found",
    `Unknown request URL: ${method} ${path}${as === path ? "" : `, which stands for ${as}`}. ${who} serves ${served}${prefix === "" ? "" : `, here and below ${prefix}`}.`,
  );
}
