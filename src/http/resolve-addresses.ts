import { lookup } from "node:dns/promises";

/** Gives every address, v4 and v6, that a name has. Rejects when it could not be resolved. */
export type ResolveAddresses = (hostname: string) => Promise<readonly string[]>;

/** By the system's resolver, which knows its search domains and hosts file. */
export const resolveAddresses: ResolveAddresses = async (hostname) => {
  const found = await lookup(hostname, { all: true, order: "verbatim" });
  return found.map(({ address }) => address);
};
