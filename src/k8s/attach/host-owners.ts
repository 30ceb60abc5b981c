import { isInside, nearestOf } from "./hostnames.ts";

/** Who has which hosts. A host inside of a wildcard is whose the nearest wildcard is, unless it was given to somebody itself. */
export interface HostOwners<T> {
  /** Of a hostname, which may begin with `*.`. */
  of(hostname: string): T | undefined;
  /** Those of the loose hosts that a wildcard would take. */
  within(hostname: string): readonly { readonly host: string; readonly owner: T }[];
  /** To whom it was given first, it stays. `loose`: a listener's wildcard comes before it. */
  give(hostname: string, to: T, loose?: "loose"): void;
}

export function createHostOwners<T>(): HostOwners<T> {
  const owners = new Map<string, T>();
  const loose = new Map<string, T>();
  return {
    of: (hostname) => nearestOf(owners, hostname),
    within: (hostname) =>
      [...loose].filter(([host]) => isInside(host, hostname)).map(([host, owner]) => ({ host, owner })),
    give(hostname, to, kind) {
      if (owners.has(hostname)) return;
      owners.set(hostname, to);
      if (kind === "loose") loose.set(hostname, to);
    },
  };
}
