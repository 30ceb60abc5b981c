import { isDeepStrictEqual } from "node:util";
import type { SecureContext } from "node:tls";
import type { Config } from "../config/schema.ts";
import type { Log } from "../core/log.ts";
import type { Meter } from "../core/meter.ts";
import { type Certificates, openCertificates } from "../http/certificates.ts";
import { publicUrlOf } from "../http/config.ts";
import type { Edge } from "../http/edge.ts";
import { createHostnames } from "../http/hostnames.ts";
import type { BoundAddress } from "../http/listener.ts";
import { doorOf, type ListenerConfig, MAIN } from "../http/listeners-config.ts";
import { besideOwnHosts, ownHostnames } from "../http/own-hosts.ts";
import { OpenPort } from "./open-port.ts";

/** Whether a listener can be called. */
export interface ListenerState {
  readonly name: string;
  readonly bound: boolean;
  /** Why it is not. */
  readonly reason?: string;
  /** Where it is bound. */
  readonly address?: BoundAddress;
}

/** The certificate for a name in lower case; undefined: the usual one. */
type ContextFor = (serverName: string) => SecureContext | undefined;

export interface PortsOptions {
  readonly log: Log;
  readonly meter: Meter;
  /** The address that is bound where a listener names none. */
  readonly host: string;
  readonly createEdge: (
    door: string,
    port: { readonly address: BoundAddress; readonly tls: boolean },
    contextFor: ContextFor,
  ) => Edge;
}

/** The ports of `listeners`. One that cannot be bound keeps none of the others back, and is tried again. */
export interface Ports {
  /** Opens, changes and leaves ports until they are those of this configuration. Each has been tried once when it resolves. */
  follow(config: Config): Promise<void>;
  /** Every listener but the one of `listen`; those that share its port have no address of their own. */
  list(): readonly ListenerState[];
  /** For the port of `listen`. */
  readonly contextForMain: ContextFor;
  drain(graceMs: number): Promise<void>;
  close(): Promise<void>;
}

/** One listener of the configuration in force. */
interface Present {
  readonly name: string;
  readonly config: ListenerConfig;
  readonly baseDir: string;
  readonly door: string;
  readonly certificates: Certificates | undefined;
}

/** The names of those listeners that are not among the others. */
function beside(listeners: readonly Present[], others: readonly Present[]): string[] {
  const known = new Set(others.map(({ name }) => name));
  return listeners.map(({ name }) => name).filter((name) => !known.has(name));
}

export function createPorts({ log, meter, host, createEdge }: PortsOptions): Ports {
  const gauge = meter.gauge("listener_bound", "Whether a listener can be called: 1, or 0", ["listener"]);
  let present: readonly Present[] = [];
  let byHost = new Map<string, (host: string) => Present | null | undefined>();
  const ports = new Map<string, OpenPort>();
  const leaving = new Set<Promise<void>>();
  let turn = Promise.resolve();
  let ended = false;

  const contextOf =
    (door: string): ContextFor =>
    (serverName) =>
      byHost.get(door)?.(serverName)?.certificates?.contextFor(serverName);

  function stateOf({ name, door, certificates }: Present): ListenerState {
    if (door === MAIN) return { name, bound: true };
    const port = ports.get(door);
    if (port?.bound === undefined) return { name, bound: false, reason: port?.reason ?? "it is not bound yet" };
    if (certificates?.first() !== undefined || !port.tls) return { name, bound: true, address: port.bound };
    return { name, bound: false, reason: "none of its certificates loads" };
  }

  function report(): void {
    for (const each of present) gauge.set([each.name], stateOf(each).bound ? 1 : 0);
  }

  /** Whoever asks for no name, or for one that no listener of the port is for, is shown the first certificate of it. */
  function showFirst(door: string): void {
    const pair = present.find((each) => each.door === door && each.certificates?.first())?.certificates?.first();
    if (pair !== undefined) ports.get(door)?.show(pair);
    report();
  }

  async function take(config: Config): Promise<void> {
    const former = present;
    const next = await Promise.all(
      Object.entries(config.listeners).map(async ([name, listener]): Promise<Present> => {
        const { baseDir } = config;
        const door = doorOf(name, listener, config.listen);
        const was = former.find((each) => each.name === name);
        const same = was?.baseDir === baseDir && isDeepStrictEqual(was.config.tls, listener.tls);
        const certificates = same
          ? was.certificates
          : listener.tls &&
            (await openCertificates({
              configs: listener.tls.certificates,
              baseDir,
              log: log.child({ listener: name }),
              changed: () => [...ports.keys()].forEach(showFirst),
            }));
        return { name, config: listener, baseDir, door, certificates };
      }),
    );
    present = next;
    const [added, removed] = [beside(next, former), beside(former, next)];
    if (added.length + removed.length > 0) log.info({ added, removed }, "listeners beside the one of `listen`");
    const doors = Map.groupBy(next, ({ door }) => door);
    const own = ownHostnames(publicUrlOf(config).hostname, config.listen.allowedHosts);
    byHost = new Map(
      [...doors].map(([door, all]) => {
        const entries = all.map((each) => [each.config.hostname, each] as const);
        return [door, createHostnames<Present | null>(door === MAIN ? besideOwnHosts(entries, own) : entries)];
      }),
    );
    const kept = new Set(next.map(({ certificates }) => certificates));
    for (const { name, certificates } of former) {
      if (!kept.has(certificates)) certificates?.close();
      if (removed.includes(name)) gauge.drop([name]);
    }
    doors.delete(MAIN);
    for (const [door, port] of ports) if (!fits(port, doors.get(door)?.[0])) leave(door, port, config.drain.grace);
    await Promise.all([...doors].map(async ([door, [first]]) => first && (await openDoor(door, first))));
    report();
  }

  const addressOf = ({ config: { address = host, port = 0 } }: Present): BoundAddress => ({ host: address, port });

  const fits = ({ address, tls }: OpenPort, first: Present | undefined): boolean =>
    first !== undefined && tls === (first.config.tls !== undefined) && isDeepStrictEqual(address, addressOf(first));

  async function openDoor(door: string, first: Present): Promise<void> {
    const standing = ports.get(door);
    if (standing !== undefined) return showFirst(door);
    const settings = { address: addressOf(first), tls: first.config.tls !== undefined };
    const edge = createEdge(door, settings, contextOf(door));
    const names = present.filter((each) => each.door === door).map(({ name }) => name);
    const port = new OpenPort({ ...settings, edge, log: log.child({ listeners: names }), changed: report });
    ports.set(door, port);
    showFirst(door);
    await port.open();
  }

  function leave(door: string, port: OpenPort, graceMs: number): void {
    ports.delete(door);
    log.info({ ...port.address }, "a port is left");
    const left = port
      .leave(graceMs)
      .catch((error: unknown) => log.error({ error }, "a port could not be left"))
      .finally(() => leaving.delete(left));
    leaving.add(left);
  }

  async function end(graceMs: number): Promise<void> {
    ended = true;
    await turn;
    for (const { certificates } of present) certificates?.close();
    await Promise.all([...[...ports.values()].map((port) => port.leave(graceMs)), ...leaving]);
  }

  return {
    follow(config) {
      // One after the other: what the last one says is what is open in the end.
      turn = turn
        .then(() => (ended ? undefined : take(config)))
        .catch((error: unknown) => log.error({ error }, "the ports do not follow"));
      return turn;
    },
    list: () => present.map(stateOf),
    contextForMain: contextOf(MAIN),
    drain: end,
    close: () => end(0),
  };
}
