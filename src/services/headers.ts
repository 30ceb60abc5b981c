import type { Exchange } from "../core/exchange.ts";
import { toTraceHeaders } from "../core/trace-headers.ts";
import type { UpstreamResponse } from "../http/upstream.ts";
import { editHeaders } from "./header-edits.ts";
import type { Edits } from "./rule.ts";

/** How the gateway names itself to those behind it (RFC 9110, section 7.6.3). */
export const OWN_NAME = "sallyport";
const VIA = `1.1 ${OWN_NAME}`;

/* Said anew for the service, or meant for the gateway alone. */
const notPassed = new Set(["host", "content-length", "traceparent", "tracestate"]);
/* Where the gateway looks for its own credentials. */
const credentials = ["authorization", "x-api-key"];

/* The embedded authorization server keeps who has signed in, for every path of its host. */
const ownCookie = /(?:^|;) *(?:__(?:Host|Secure)-)?sallyport[^=;]*=[^;]*/g;

/**
 * The headers for a service: those of the canonical request, from which the edge has taken what is of one connection. A credential that
 * the gateway has taken for its own goes no further; whoever calls without one has none to lose.
 */
export function toServiceHeaders(
  { id, request, principal, trace }: Exchange,
  { requestHeaders }: Edits,
  shown: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const name in request.headers) {
    const value = request.headers[name];
    if (value !== undefined && !notPassed.has(name) && !name.startsWith("x-sallyport-")) headers[name] = value;
  }
  if (principal.credential !== "anonymous") for (const name of credentials) delete headers[name];
  const { cookie } = headers;
  if (cookie?.includes("sallyport") === true) {
    const rest = cookie.replace(ownCookie, "").replace(/^; */, "");
    if (rest === "") delete headers["cookie"];
    else headers["cookie"] = rest;
  }
  editHeaders(headers, requestHeaders);
  for (const name in shown) headers[name.toLowerCase()] = shown[name] ?? "";
  Object.assign(headers, toTraceHeaders(trace));
  headers["x-request-id"] ??= id;
  headers["x-forwarded-for"] = request.ip;
  headers["x-forwarded-proto"] = request.scheme;
  headers["x-forwarded-host"] = request.host;
  headers["via"] = headers["via"] === undefined ? VIA : `${headers["via"]}, ${VIA}`;
  return headers;
}

/** The headers of a service's answer for the caller. `cors`: what a filter says in place of the service. */
export function toAnswerHeaders(
  { status, headers: given, cookies = [] }: UpstreamResponse,
  { responseHeaders }: Edits,
  cors: Readonly<Record<string, string>> | undefined,
): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = Object.create(null);
  for (const name in given) {
    const value = given[name];
    if (value === undefined) continue;
    // The gateway's own stands in that place.
    if (name === "x-request-id") headers["x-upstream-request-id"] = value;
    else if (cors === undefined || !name.startsWith("access-control-")) headers[name] = value;
  }
  if (cookies.length > 0) headers["set-cookie"] = [...cookies];
  // Not to be sent with it (RFC 9110, section 8.6).
  if (status === 204) delete headers["content-length"];
  editHeaders(headers, responseHeaders);
  if (cors !== undefined) {
    const { vary = "" } = cors;
    const before = headers["vary"];
    Object.assign(headers, cors, { vary: before === undefined ? vary : `${String(before)}, ${vary}` });
  }
  return headers;
}
