import type { LookupFunction } from "node:net";
import { inAnyCidr, parseAddress, parseCidr, parseCidrs } from "./address.ts";
import { checkedLookup, deniedAddress as denied, type Resolve } from "./checked-lookup.ts";
import { createHostCheck } from "./host.ts";

/* IANA special-purpose registries (https://www.iana.org/assignments/iana-ipv4-special-registry), and what clouds put at public addresses. */
// oxfmt-ignore
const notPublic4 = parseCidrs([
  "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
  "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
  "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
  "168.63.129.16/32", // Azure's host agent
]);

/* Only global unicast may pass, without what wraps an IPv4 address (6to4, Teredo), protocol assignments and documentation.
   Mapped (::ffff:0:0/96), NAT64 (64:ff9b::/96), unique local, link-local and multicast lie outside of it. */
const global6 = parseCidrs(["2000::/3"]);
const notPublic6 = parseCidrs(["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"]);

/** Whether an address is out on the public internet: false for everything that reaches into a machine, a network or a cloud's control plane. */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text);
  if (address === undefined) return false;
  if (address.family === 4) return !inAnyCidr(address, notPublic4);
  return inAnyCidr(address, global6) && !inAnyCidr(address, notPublic6);
}

export interface EgressGuard {
  /** Throws `denied` for an address that a caller may not send the gateway to. True: the operator allowed it by name or block. */
  checkUrl(url: URL): boolean;
  /** For the socket: resolves, checks every address, and gives only what was checked, so that the answer cannot change before the connect. */
  readonly lookup: LookupFunction;
}

/** Judges addresses that a caller, a card, a token or a server had a say in. `allow`: hosts and blocks the operator exempts. */
export function createEgressGuard(allow: readonly string[], resolve?: Resolve): EgressGuard {
  const allowedBlocks = parseCidrs(allow);
  const allowedHost = createHostCheck({
    patterns: allow.filter((text) => parseCidr(text) === undefined),
    loopback: false,
  });
  const passes = (text: string): boolean => {
    const address = parseAddress(text);
    return address !== undefined && (isPublicAddress(text) || inAnyCidr(address, allowedBlocks));
  };
  return {
    checkUrl(url) {
      if (url.protocol !== "https:" && url.protocol !== "http:") throw denied("only https is possible");
      if (url.username !== "" || url.password !== "") throw denied("it carries a user or a password");
      const literal = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
      const address = parseAddress(literal);
      const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
      if (allowedHost(`${url.hostname}:${port}`) || (address !== undefined && inAnyCidr(address, allowedBlocks)))
        return true;
      if (url.protocol !== "https:") throw denied("only https is possible");
      if (address !== undefined && !isPublicAddress(literal)) throw denied("it is not public");
      return false;
    },
    lookup: checkedLookup(passes, "it is not public", resolve),
  };
}
