/** Who has which hosts. A host inside of a wildcard is whose the nearest wildcard is, unless it was given to somebody itself. */
export interface HostOwners<T> {
  /** Of a hostname, which may begin with `*.`; undefined: every host there is. */
  of(hostname: string | undefined): T | undefined;
  /** Those of the loose hosts that a wildcard would take. */
  within(hostname: string | undefined): readonly { readonly host: string; readonly owner: T }[];
  /** To whom it was given first, it stays. `loose`: it is a route's, and a listener's wildcard comes before it. */
  give(hostname: string | undefined, to: T, loose?: "loose"): void;
}

/* No hostname is called so. */
const EVERY = "*";

export function createHostOwners<T>(): HostOwners<T> {
  const owners = new Map<string, T>();
  const loose = new Map<string, T>();
  return {
    of(hostname = EVERY) {
      const owner = owners.get(hostname);
      if (owner !== undefined || hostname === EVERY) return owner;
      const name = hostname.startsWith("*.") ? hostname.slice(2) : hostname;
      for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
        const wide = owners.get(`*${name.slice(dot)}`);
        if (wide !== undefined) return wide;
      }
      return undefined;
    },
    within(hostname = "") {
      if (!hostname.startsWith("*.")) return [];
      const inside = [...loose].filter(([host]) => host.endsWith(hostname.slice(1)));
      return inside.map(([host, owner]) => ({ host, owner }));
    },
    give(hostname = EVERY, to, kind) {
      if (owners.has(hostname)) return;
      owners.set(hostname, to);
      if (kind === "loose") loose.set(hostname, to);
    },
  };
}
