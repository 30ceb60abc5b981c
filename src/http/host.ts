import { isIP, isIPv4, isIPv6 } from "node:net";
import { isLoopbackHost } from "./address.ts";

export interface Host {
  /** Lower case; an IPv6 address without brackets. */
  readonly name: string;
  /** Empty when none was written. */
  readonly port: string;
}

/* RFC 9110, section 7.2, without userinfo and without percent-encoding: a name that two parsers could read differently is refused. */
const named = /^((?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*)(?::(\d{1,5}))?$/;
const bracketed = /^\[([0-9A-Fa-f:.]{2,45})\](?::(\d{1,5}))?$/;

/** Reads `name`, `name:port`, `1.2.3.4:port` or `[::1]:port`; undefined for anything else. */
export function parseHost(text: string): Host | undefined {
  const match = named.exec(text) ?? bracketed.exec(text);
  if (match?.[1] === undefined) return undefined;
  const name = match[1].toLowerCase();
  if (text.startsWith("[") && !isIPv6(name)) return undefined;
  // A last label of digits is an address to a URL parser (WHATWG URL, "ends in a number"): only the plain dotted form may pass.
  if (!text.startsWith("[") && /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(name) && !isIPv4(name)) return undefined;
  const port = match[2] ?? "";
  if (port !== "" && Number(port) > 65_535) return undefined;
  return name.length > 253 ? undefined : { name, port };
}

/** Whether a Host header may be answered; undefined otherwise. Cached: the hosts a gateway serves are few. */
export type HostCheck = (header: string) => boolean;

export interface HostRules {
  /** `*` for any, `name`, `name:port`, `*.suffix`. */
  readonly patterns: readonly string[];
  /** Accepts the names of this machine: they cannot be rebound by a foreign DNS server. */
  readonly loopback: boolean;
  /** Accepts every IP address: it was no DNS server that led the caller here. */
  readonly addresses?: boolean;
}

const CACHED_HOSTS = 256;

/** Builds the check against DNS rebinding. Only accepted headers are remembered, so a flood of others costs no memory. */
export function createHostCheck(rules: HostRules): HostCheck {
  const exact = new Set(rules.patterns.filter((pattern) => !pattern.startsWith("*")).map((each) => each.toLowerCase()));
  const suffixes = rules.patterns.filter((each) => each.startsWith("*.")).map((each) => each.slice(1).toLowerCase());
  const any = rules.patterns.includes("*");
  const known = new Set<string>();
  return (header) => {
    if (known.has(header)) return true;
    const host = parseHost(header);
    if (host === undefined) return false;
    const bracket = host.name.includes(":") ? `[${host.name}]` : host.name;
    const accepted =
      any ||
      exact.has(bracket) ||
      exact.has(`${bracket}:${host.port}`) ||
      suffixes.some((suffix) => host.name.endsWith(suffix)) ||
      (rules.loopback && isLoopbackHost(host.name)) ||
      (rules.addresses === true && isIP(host.name) !== 0);
    if (accepted && known.size < CACHED_HOSTS) known.add(header);
    return accepted;
  };
}
