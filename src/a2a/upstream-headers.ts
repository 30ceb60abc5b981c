import type { Exchange } from "../core/exchange.ts";
import { toTraceHeaders } from "../core/trace-headers.ts";
import type { AgentConfig } from "./config.ts";
import type { Version } from "./operations.ts";

/** What the gateway shows this agent of itself. */
export function credentialHeaders({ credentials }: AgentConfig): Record<string, string> {
  if (credentials === undefined) return {};
  if ("bearer" in credentials) return { authorization: `Bearer ${credentials.bearer}` };
  return Object.fromEntries(Object.entries(credentials.headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** All headers of one call to an agent, built from nothing: no header of the caller's passes but the list of extensions. */
export function upstreamHeaders(
  exchange: Exchange,
  config: AgentConfig,
  version: Version,
  handed: Readonly<Record<string, string>>,
): Record<string, string> {
  const headers: Record<string, string> = {
    ...handed,
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "a2a-version": version,
    ...toTraceHeaders(exchange.trace),
    ...credentialHeaders(config),
  };
  // Each version has its own name for this header (A2A 1.0, section 3.2.6; 0.3 had the X).
  const name = extensionsHeader(version);
  const extensions = exchange.request.headers[name];
  if (extensions !== undefined) headers[name] = extensions;
  return headers;
}

export const extensionsHeader = (version: Version) => (version === "1.0" ? "a2a-extensions" : "x-a2a-extensions");
