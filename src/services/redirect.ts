import type { CanonicalRequest } from "../core/exchange.ts";
import type { RedirectConfig } from "./filter-config.ts";
import { editPath } from "./path-edit.ts";

const usualPorts = { http: "80", https: "443" } as const;

/**
 * Where a redirect leads (Gateway API, HTTPRequestRedirectFilter). A port that is not given is the usual one of a given scheme; without
 * that, the one under which the listener, or else the gateway, is known for the request's scheme, whatever the Host header says.
 */
export function locationOf(
  request: CanonicalRequest,
  redirect: RedirectConfig,
  prefix: string | undefined,
  publicUrl: URL,
): string {
  const scheme = redirect.scheme ?? request.scheme;
  const host = redirect.host ?? request.host.replace(/:\d+$/, "");
  const { listener } = request;
  const own =
    listener?.port === undefined
      ? publicUrl.protocol === `${scheme}:` && publicUrl.port
      : listener.scheme === scheme && listener.port.toString();
  const port = redirect.port?.toString() ?? ((redirect.scheme === undefined && own) || "");
  const shown = port === "" || port === usualPorts[scheme] ? "" : `:${port}`;
  const query = request.query === "" ? "" : `?${request.query}`;
  return `${scheme}://${host}${shown}${editPath(request.path, redirect.path, prefix)}${query}`;
}
