import { isIPv4, isIPv6 } from "node:net";

/** An IP address as a number: 32 bits for family 4, 128 for family 6. */
export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** A block of addresses. */
export interface Cidr {
  readonly family: 4 | 6;
  readonly prefix: bigint;
  /** Bits right of the prefix. */
  readonly hostBits: bigint;
}

function ipv4Value(text: string): bigint {
  let value = 0;
  for (const part of text.split(".")) value = value * 256 + Number(part);
  return BigInt(value);
}

function ipv6Value(text: string): bigint {
  // The URL parser writes every form in one: lower case, compressed, a dotted tail as two groups.
  const [head = "", tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const left = groups(head);
  const right = groups(tail ?? "");
  const gap = Array.from({ length: 8 - left.length - right.length }, () => "0");
  return [...left, ...gap, ...right].reduce((value, group) => (value << 16n) | BigInt(Number.parseInt(group, 16)), 0n);
}

/** Reads a textual address; undefined for anything else, and for one with a zone (`fe80::1%eth0`). */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { family: 4, value: ipv4Value(text) };
  if (isIPv6(text) && !text.includes("%")) return { family: 6, value: ipv6Value(text) };
  return undefined;
}

/** Reads `10.0.0.0/8`, `fd00::/8` or a single address; undefined when it is neither. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const size = address.family === 4 ? 32 : 128;
  const bits = slash < 0 ? String(size) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > size) return undefined;
  const hostBits = BigInt(size - Number(bits));
  return { family: address.family, prefix: address.value >> hostBits, hostBits };
}

/** Blocks that are written in the code. */
export const parseCidrs = (list: readonly string[]): readonly Cidr[] =>
  list.map((text) => parseCidr(text)).filter((each) => each !== undefined);

export function inCidr(address: Address, cidr: Cidr): boolean {
  return address.family === cidr.family && address.value >> cidr.hostBits === cidr.prefix;
}

export function inAnyCidr(address: Address, cidrs: readonly Cidr[]): boolean {
  for (const cidr of cidrs) if (inCidr(address, cidr)) return true;
  return false;
}

/** What a dual-stack socket calls `::ffff:10.0.0.1` is `10.0.0.1` to everyone else. */
export function unmapped(text: string): string {
  return text.startsWith("::ffff:") && isIPv4(text.slice(7)) ? text.slice(7) : text;
}

const loopback = [parseCidr("127.0.0.0/8"), parseCidr("::1")] as readonly Cidr[];

/** Whether a host name or address, without port and without brackets, means this machine. */
export function isLoopbackHost(host: string): boolean {
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  const address = parseAddress(host);
  return address !== undefined && inAnyCidr(address, loopback);
}
