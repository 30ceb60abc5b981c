import { GatewayError } from "../core/errors.ts";
import type { CanonicalRequest, Reply } from "../core/exchange.ts";
import { isLoopbackHost } from "./address.ts";

/* Named for browsers that do not take `*` here; the star covers the rest, such as x-ratelimit-* (Fetch, section 3.3.3). */
const exposed = [
  "Mcp-Session-Id", "MCP-Protocol-Version", "WWW-Authenticate", "A2A-Version", "A2A-Extensions", "X-Request-Id", "Retry-After",
  "Retry-After-Ms", "X-Should-Retry", "X-RateLimit-Limit-Requests", "X-RateLimit-Remaining-Requests", "X-RateLimit-Reset-Requests",
  "X-RateLimit-Limit-Tokens", "X-RateLimit-Remaining-Tokens", "X-RateLimit-Reset-Tokens", "Location", "X-Sallyport-Chain",
  "X-Sallyport-Model", "X-Sallyport-Fallback", "X-Sallyport-Route", "X-Sallyport-Runaway", "*",
].join(", "); // oxfmt-ignore

const allowedMethods = "GET, HEAD, POST, PUT, PATCH, DELETE";
const headerNames = /^[A-Za-z0-9!#$%&'*+.^`|~-]+(?:\s*,\s*[A-Za-z0-9!#$%&'*+.^`|~-]+)*$/;
const PREFLIGHT_SECONDS = "600";

export interface CorsOptions {
  readonly publicOrigin: string;
  /** Exact origins, or `*`. */
  readonly allowedOrigins: readonly string[];
  /** Accepts pages served from this machine: for a gateway that only this machine reaches. */
  readonly loopback: boolean;
  readonly policy: OriginPolicy;
}

/**
 * Which pages may make a request. `any`: every page, without cookies. `own`: only those of the host that is called, which needs no CORS
 * and gets none. `theirs`: whoever answers says it; nothing is looked at.
 */
export type OriginPolicy = (request: CanonicalRequest) => "listed" | "any" | "own" | "theirs";

/**
 * The check of the Origin header, before authentication: a preflight carries no credential. True when the reply has been sent.
 * Throws `origin_refused`. Callers that are no browsers send no Origin and pass.
 */
export type CheckOrigin = (request: CanonicalRequest, reply: Reply) => boolean;

export function createOriginCheck(options: CorsOptions): CheckOrigin {
  const any = options.allowedOrigins.includes("*");
  const exact = new Set([options.publicOrigin, ...options.allowedOrigins]);
  const isLoopback = (origin: string): boolean => {
    const url = URL.canParse(origin) ? new URL(origin) : undefined;
    return url !== undefined && url.origin === origin && isLoopbackHost(url.hostname.replace(/^\[|\]$/g, ""));
  };
  return (request, reply) => {
    const origin = request.headers["origin"];
    if (origin === undefined) return false;
    const policy = options.policy(request);
    if (policy === "theirs") return false;
    if (policy === "own") {
      if (URL.canParse(origin) && new URL(origin).host === request.host) return false;
      throw new GatewayError("origin_refused", "Only pages of this address itself may call it.");
    }
    const open = policy === "any";
    const listed = exact.has(origin) || (any && origin !== "null") || (options.loopback && isLoopback(origin));
    if (!open && !listed) {
      throw new GatewayError(
        "origin_refused",
        "Pages of this origin may not call the gateway. Its operator can add one under listen.allowedOrigins.",
      );
    }
    reply.setHeader("access-control-allow-origin", listed ? origin : "*");
    reply.setHeader("access-control-expose-headers", exposed);
    reply.setHeader("vary", "origin");
    if (request.method !== "OPTIONS" || request.headers["access-control-request-method"] === undefined) return false;
    const wanted = request.headers["access-control-request-headers"] ?? "";
    reply.send(204, {
      "access-control-allow-methods": allowedMethods,
      "access-control-max-age": PREFLIGHT_SECONDS,
      vary: "origin, access-control-request-method, access-control-request-headers",
      ...(headerNames.test(wanted) ? { "access-control-allow-headers": wanted } : {}),
    });
    return true;
  };
}
