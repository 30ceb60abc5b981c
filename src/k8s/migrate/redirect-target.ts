import { isHostname, isPathValue, type Redirect } from "./gateway-api.ts";

/** Where a fixed address leads. Undefined for what a RequestRedirect cannot say: a query, a fragment, a variable of nginx, credentials. */
export function parseTarget(target: string): Omit<Redirect, "statusCode"> | undefined {
  if (target.includes("$") || !URL.canParse(target)) return undefined;
  const { protocol, hostname, port, pathname, search, hash, username } = new URL(target);
  const scheme = protocol.slice(0, -1);
  if (scheme !== "http" && scheme !== "https") return undefined;
  if (search !== "" || hash !== "" || username !== "" || target.includes("?")) return undefined;
  if (!isHostname(hostname) || hostname.startsWith("*") || !isPathValue(pathname)) return undefined;
  return {
    scheme,
    hostname,
    ...(port !== "" && { port: Number(port) }),
    path: { type: "ReplaceFullPath", replaceFullPath: pathname },
  };
}
