/**
 * Finds what is for a host, given in lower case and without its port: the hostname that is written out, then the longest with `*.`,
 * which stands for one label or more, then what has none.
 */
export function createHostnames<T>(
  entries: Iterable<readonly [hostname: string | undefined, T]>,
): (host: string) => T | undefined {
  const exact = new Map<string, T>();
  /* By what follows the star and its dot. */
  const wildcards = new Map<string, T>();
  let rest: T | undefined;
  for (const [hostname, value] of entries) {
    if (hostname === undefined) rest = value;
    else if (hostname.startsWith("*.")) wildcards.set(hostname.slice(2), value);
    else exact.set(hostname, value);
  }
  return (host) => {
    const found = exact.get(host);
    if (found !== undefined) return found;
    if (wildcards.size === 0) return rest;
    for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
      const wild = wildcards.get(host.slice(dot + 1));
      if (wild !== undefined) return wild;
    }
    return rest;
  };
}
