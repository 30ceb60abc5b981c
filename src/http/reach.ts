import { networkInterfaces } from "node:os";
import { z } from "zod";
import { type Address, inAnyCidr, parseAddress, parseCidrs } from "./address.ts";
import type { Trust } from "./upstream.ts";

/** How far the way to an upstream may lead, by the words of the configuration. */
export const reach = z
  .enum(["any", "network"])
  .optional()
  .meta({
    description:
      "`network`: the address was written by somebody who may not reach into this machine: loopback, its own and link-local addresses (a cloud's metadata) are refused whenever it is connected to, whatever its name resolves to then. Left out: `any`.",
    examples: ["network"],
  });

export type Reach = z.output<typeof reach>;

export const trustOf = (configured: Reach): Trust => (configured === "network" ? "delegated" : "configured");

/* This host, loopback, link-local, protocol assignments, multicast and reserved; and where clouds put what is a machine's own business. */
// oxfmt-ignore
const local4 = parseCidrs([
  "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "224.0.0.0/4", "240.0.0.0/4",
  "100.100.100.200/32", // Alibaba's metadata
  "168.63.129.16/32", // Azure's host agent
]);

/* Unspecified, loopback and everything that wraps an IPv4 address, in which a local one could hide; link-local, site-local, multicast. */
// oxfmt-ignore
const local6 = parseCidrs([
  "::/8", "2001::/32", "2002::/16", "fe80::/9", "ff00::/8",
  "fd00:ec2::/32", // Amazon's metadata
  "fd20:ce::/32", // Google's
]);
const nat64 = parseCidrs(["64:ff9b::/96"]);

const isOwn = (address: Address): boolean =>
  Object.values(networkInterfaces()).some((each) =>
    each?.some(({ address: text }) => {
      const own = parseAddress(text);
      return own?.family === address.family && own.value === address.value;
    }),
  );

/** Whether an address is out on a network, private or not: false for what is this machine, its link or a group. */
export function isNetworkAddress(text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && isOutwardAddress(text) && !isOwn(address);
}

/** The same by what is written alone: addresses that this machine has on a network are among them. */
export function isOutwardAddress(text: string): boolean {
  const address = parseAddress(text);
  if (address === undefined) return false;
  /* Of machines that reach IPv4 through it (RFC 6052): what is behind it counts. */
  if (inAnyCidr(address, nat64)) return !inAnyCidr({ family: 4, value: address.value & 0xffff_ffffn }, local4);
  return !inAnyCidr(address, address.family === 4 ? local4 : local6);
}
