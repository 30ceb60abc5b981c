import type { CanonicalRequest } from "../core/exchange.ts";
import type { CorsConfig } from "./filter-config.ts";

/** The CORS filter of one rule. Origins that are not listed get no header, and their browsers withhold the answer. */
export interface Cors {
  /** Headers of the answer to a preflight. */
  preflight(request: CanonicalRequest): Record<string, string>;
  /** Headers of any other answer. */
  answer(request: CanonicalRequest): Record<string, string>;
}

export function compileCors({ origins, methods, headers, expose, credentials, maxAge }: CorsConfig): Cors {
  const isListed = compileOrigins(origins);
  const any = origins.includes("*");

  function allow({ headers: { origin } }: CanonicalRequest): Record<string, string> | undefined {
    if (origin === undefined || !isListed(origin)) return undefined;
    // With credentials a star would be an origin of that name (Fetch, section 3.3.5).
    if (any && !credentials) return { "access-control-allow-origin": "*" };
    return {
      "access-control-allow-origin": origin,
      ...(credentials && { "access-control-allow-credentials": "true" }),
    };
  }

  /** What is listed, or what is asked for where a star has to be spelled out. */
  const listOf = (list: readonly string[], asked: string | undefined): string =>
    !list.includes("*") ? list.join(", ") : credentials ? (asked ?? "") : "*";

  return {
    preflight(request) {
      const allowed = allow(request);
      const asked = request.headers;
      const given = {
        "access-control-allow-methods": listOf(methods, asked["access-control-request-method"]),
        "access-control-allow-headers": listOf(headers, asked["access-control-request-headers"]),
      };
      return {
        vary: "origin, access-control-request-method, access-control-request-headers",
        ...(allowed && {
          ...allowed,
          ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== "")),
          "access-control-max-age": String(Math.floor(maxAge / 1_000)),
        }),
      };
    },
    answer(request) {
      const allowed = allow(request);
      // What was asked for in a preflight is not said again: a star with credentials names no header (Fetch, section 3.3.3).
      const exposed = credentials && expose.includes("*") ? "" : expose.join(", ");
      return {
        vary: "origin",
        ...(allowed && { ...allowed, ...(exposed !== "" && { "access-control-expose-headers": exposed }) }),
      };
    },
  };
}

interface Origin {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
}

const usualPorts: Readonly<Record<string, string>> = { http: "80", https: "443" };

function parseOrigin(text: string): Origin | undefined {
  const [, scheme = "", host = "", port] =
    /^([a-z][a-z0-9+.-]*):\/\/([^:/?#]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/.exec(text) ?? [];
  return scheme === "" ? undefined : { scheme, host, port: port ?? usualPorts[scheme] ?? "" };
}

function compileOrigins(patterns: readonly string[]): (origin: string) => boolean {
  if (patterns.includes("*")) return () => true;
  const parsed = patterns.map(parseOrigin).filter((each) => each !== undefined);
  const hostFits = (pattern: string, host: string): boolean =>
    pattern === "*" || (pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern);
  return (text) => {
    const origin = parseOrigin(text.toLowerCase());
    if (origin === undefined) return false;
    return parsed.some(
      ({ scheme, host, port }) => scheme === origin.scheme && port === origin.port && hostFits(host, origin.host),
    );
  };
}
