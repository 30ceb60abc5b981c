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
