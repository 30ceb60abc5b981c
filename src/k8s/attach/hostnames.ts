/**
 * Whether a host can be meant by both, where `*.` stands for one label or more (Gateway API, HTTPRouteSpec.hostnames). Nothing means
 * every host.
 */
export function hostsMeet(listener: string | undefined, route: readonly string[] | undefined): boolean {
  if (listener === undefined || route === undefined || route.length === 0) return true;
  return route.some((host) => meet(listener, host));
}

function meet(a: string, b: string): boolean {
  if (a === b) return true;
  if (isWild(a) && isWild(b)) return a.endsWith(b.slice(1)) || b.endsWith(a.slice(1));
  if (isWild(a)) return b.endsWith(a.slice(1));
  return isWild(b) && a.endsWith(b.slice(1));
}

const isWild = (host: string) => host.startsWith("*.");

/** Whether a host is one of those that a wildcard stands for, and not the wildcard itself. */
export const isInside = (host: string, wildcard: string): boolean =>
  isWild(wildcard) && host !== wildcard && host.endsWith(wildcard.slice(1));

/** What is for a host, or for all hosts of a wildcard: what is for just that, else for the narrowest wildcard around it. */
export function nearestOf<T>(byHost: ReadonlyMap<string | undefined, T>, hostname: string): T | undefined {
  const found = byHost.get(hostname);
  if (found !== undefined) return found;
  const name = isWild(hostname) ? hostname.slice(2) : hostname;
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    const wide = byHost.get(`*${name.slice(dot)}`);
    if (wide !== undefined) return wide;
  }
  return undefined;
}
