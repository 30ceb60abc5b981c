import { isLoopbackHost } from "./address.ts";
import { type HostCheck, parseHost } from "./host.ts";
import { createHostnames } from "./hostnames.ts";

/**
 * The hosts that are the gateway's own, those of `publicUrl` and `listen.allowedHosts`: in lower case, without brackets and ports, `*.` for
 * one label or more. `*` names none.
 */
export function ownHostnames(publicHost: string, allowedHosts: readonly string[]): readonly string[] {
  return [publicHost, ...allowedHosts].flatMap((pattern) => {
    const wild = pattern.startsWith("*.") ? "*." : "";
    const host = parseHost(pattern.slice(wild.length));
    return host === undefined ? [] : [wild + host.name];
  });
}

const CACHED_HOSTS = 256;

/** Whether a Host header names one of these, or with `loopback` this machine. Cached: a flood of other hosts must cost no memory. */
export function createOwnHostCheck(hostnames: readonly string[], loopback: boolean): HostCheck {
  const find = createHostnames(hostnames.map((hostname) => [hostname, true]));
  const seen = new Map<string, boolean>();
  return (header) => {
    const known = seen.get(header);
    if (known !== undefined) return known;
    const name = parseHost(header)?.name;
    const own = name !== undefined && (find(name) === true || (loopback && isLoopbackHost(name)));
    if (seen.size >= CACHED_HOSTS) seen.clear();
    seen.set(header, own);
    return own;
  };
}

/**
 * Adds the gateway's own hosts to the hostnames of the port of `listen`: they belong to what has no hostname there, else to nobody (null),
 * so that a `*.` of a listener does not take them. A listener with that very hostname does.
 */
export function besideOwnHosts<T>(
  entries: readonly (readonly [hostname: string | undefined, T])[],
  own: readonly string[],
): readonly (readonly [hostname: string | undefined, T | null])[] {
  const rest = entries.find(([hostname]) => hostname === undefined)?.[1] ?? null;
  return [...own.map((hostname) => [hostname, rest] as const), ...entries];
}
