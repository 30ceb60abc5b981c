import type { Config } from "../config/schema.ts";
import { GatewayError } from "../core/errors.ts";
import type { Listener } from "../core/exchange.ts";
import { parseHost } from "../http/host.ts";
import { createHostnames } from "../http/hostnames.ts";
import { doorOf, MAIN } from "../http/listeners-config.ts";
import { besideOwnHosts, ownHostnames } from "../http/own-hosts.ts";

/** The listener of a Host header, and of the name that a handshake asked for; undefined: the one of `listen`. Throws. */
export type FindListener = (header: string, serverName: string | undefined) => Listener | undefined;

/** Which listener a request belongs to: of those that share its port, the one with the most specific hostname. */
export interface ListenerTable {
  /** For the port of `listen`; undefined: no other listener shares it. */
  readonly main: FindListener | undefined;
  /** For a port of its own, by what `doorOf` calls it; undefined: there is none any more. */
  at(door: string): FindListener | undefined;
}

export function createListenerTable(
  { listen, listeners }: Pick<Config, "listen" | "listeners">,
  publicUrl: URL,
): ListenerTable {
  const own = ownHostnames(publicUrl.hostname, listen.allowedHosts);
  const doors = new Map<string, [hostname: string | undefined, Listener][]>();
  for (const [name, config] of Object.entries(listeners)) {
    const door = doorOf(name, config, listen);
    const https = config.tls !== undefined || (door === MAIN && listen.tls !== undefined);
    const own = door === MAIN || config.port === 0 ? undefined : config.port;
    const listener: Listener = { name, scheme: https ? "https" : "http", port: config.publicPort ?? own };
    const entries = doors.get(door);
    if (entries === undefined) doors.set(door, [[config.hostname, listener]]);
    else entries.push([config.hostname, listener]);
  }
  const found = new Map(
    [...doors].map(([door, entries]) => {
      const onMain = door === MAIN;
      return [door, createFinder(onMain ? besideOwnHosts(entries, own) : entries, onMain)];
    }),
  );
  return { main: found.get(MAIN), at: (door) => found.get(door) };
}

interface Seen {
  readonly host: string;
  readonly listener: Listener | undefined;
}

/* The hosts that are called are few; a flood of others must cost no memory. */
const CACHED_HOSTS = 256;

type Entries = readonly (readonly [hostname: string | undefined, Listener | null])[];

function createFinder(entries: Entries, onMain: boolean): FindListener {
  const find = createHostnames(entries);
  const seen = new Map<string, Seen>();
  const look = (header: string): Seen => {
    const known = seen.get(header);
    if (known !== undefined) return known;
    const host = parseHost(header)?.name;
    if (host === undefined) throw new GatewayError("invalid_request", "The Host header names no host.");
    const made = { host, listener: find(host) ?? undefined };
    if (seen.size >= CACHED_HOSTS) seen.clear();
    seen.set(header, made);
    return made;
  };
  return (header, serverName) => {
    const { host, listener } = look(header);
    if (listener === undefined && !onMain)
      throw new GatewayError("not_found", "Nothing on this port is for the host in the Host header.");
    // The certificate was another listener's: a browser that shares one connection among hosts asks anew (RFC 9110, section 15.5.20).
    if (serverName !== undefined && serverName !== host && (find(serverName) ?? undefined) !== listener)
      throw new GatewayError("misdirected", "This connection was made for another host than the Host header names.");
    return listener;
  };
}
