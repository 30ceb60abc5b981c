import type { Fault } from "../condition.ts";
import type { ListenerSpec } from "../kinds/gateway.ts";
import type { Manifest } from "../manifest.ts";
import { isPlatform } from "../options.ts";
import type { Workspace } from "../workspace.ts";
import type { GatewayObject } from "./attachment.ts";
import { type Certificate, resolveCertificates } from "./certificates.ts";
import { createHostOwners, type HostOwners } from "./host-owners.ts";
import {
  boundPort,
  gatewayFault,
  listenerFault,
  protocolConflict,
  type RouteKind,
  routeKindsOf,
} from "./listener-faults.ts";
import type { PlatformHosts } from "./platform-hosts.ts";
import { createRouteHosts } from "./takes-route.ts";

/** On a Gateway: `true` has its listeners serve what is the gateway's own, such as `/mcp`, beside routes. */
const OWN = "sallyport.dev/own-paths";

/** One listener of a Gateway of this gateway's, and what became of it. */
export interface ListenerState {
  readonly gateway: GatewayObject;
  readonly spec: ListenerSpec;
  /** Its place in the list. */
  readonly index: number;
  /** Why it cannot be. */
  readonly unaccepted: Fault | undefined;
  /** Why nobody can say which of several listeners is meant. */
  readonly conflict: Fault | undefined;
  /** Why something that it names cannot be had. */
  readonly unresolved: Fault | undefined;
  readonly supportedKinds: readonly RouteKind[];
  /** The name in `listeners` under which its routes are served; undefined where they are not. */
  readonly serves: string | undefined;
}

/** An entry of `listeners`: one for each port that is bound and each host. */
interface SharedListener {
  readonly name: string;
  readonly gateway: GatewayObject;
  readonly spec: ListenerSpec;
  readonly port: number;
  readonly certificates: Certificate[];
  readonly sharers: Set<Manifest>;
}

/**
 * Says what becomes of every listener, and puts those that serve into the configuration. Gateways share ports: what a port speaks is
 * what the first of them says, and a host of it is for the namespace of the first that serves it. `gateways`: in the order in which
 * they count.
 */
export function planListeners(
  workspace: Workspace,
  gateways: readonly GatewayObject[],
  platformHosts: PlatformHosts,
): readonly ListenerState[] {
  const { options } = workspace;
  const hosts = new Map<number, HostOwners<GatewayObject>>();
  const routeHosts = createRouteHosts(workspace, platformHosts);
  const shared = new Map<string, SharedListener>();
  const owners = new Map([[options.listen.port, { protocol: options.listen.tls ? "HTTPS" : "HTTP", name: "listen" }]]);

  const plan = (gateway: GatewayObject, spec: ListenerSpec, index: number): ListenerState => {
    const kinds = routeKindsOf(spec);
    const tls = spec.protocol === "HTTPS" ? resolveCertificates(workspace, gateway, spec) : undefined;
    const port = boundPort(options, spec);
    const owner = port === undefined ? undefined : owners.get(port);
    const ofPort = hosts.get(port ?? 0) ?? createHostOwners<GatewayObject>();
    const protocols = protocolConflict(gateway.spec.listeners, spec);
    const unavailable =
      protocols ??
      listenerFault(options, spec) ??
      (owner === undefined || owner.protocol === spec.protocol
        ? undefined
        : { reason: "PortUnavailable", message: `port ${port} speaks ${owner.protocol} for ${owner.name}` });
    const conflict =
      protocols ?? (unavailable === undefined ? hostConflict(platformHosts, ofPort, gateway, spec) : undefined);
    const unaccepted = unavailable ?? conflict;
    const state = { gateway, spec, index, unaccepted, conflict, unresolved: kinds.fault ?? tls?.fault };
    const certificates = tls?.certificates ?? [];
    const whole = gatewayFault(gateway.spec);
    const barred = unaccepted !== undefined || whole !== undefined || (tls !== undefined && certificates.length === 0);
    if (barred || port === undefined) return { ...state, supportedKinds: kinds.supported, serves: undefined };
    const name = `${gateway.namespace}/${gateway.name}/${spec.name}`;
    if (owner === undefined) owners.set(port, { protocol: spec.protocol, name });
    hosts.set(port, ofPort);
    ofPort.give(spec.hostname, gateway);
    if (spec.hostname === undefined)
      for (const host of routeHosts({ gateway, spec, supportedKinds: kinds.supported }))
        if (isOpenTo(ofPort.of(host), gateway)) ofPort.give(host, gateway, "loose");
    const key = `${port} ${spec.hostname ?? ""}`;
    const entry = shared.get(key) ?? { name, gateway, spec, port, certificates: [], sharers: new Set() };
    shared.set(key, entry);
    if (gateway !== entry.gateway) entry.sharers.add(gateway.manifest);
    for (const each of certificates)
      if (!entry.certificates.some(({ cert }) => cert === each.cert)) entry.certificates.push(each);
    return { ...state, supportedKinds: kinds.supported, serves: entry.name };
  };
  const states = gateways.flatMap((gateway) => gateway.spec.listeners.map((spec, index) => plan(gateway, spec, index)));
  for (const { name, gateway, spec, port, certificates, sharers } of shared.values()) {
    const { config, warn } = workspace.contextOf(gateway);
    const asksOwn = gateway.metadata.annotations[OWN] === "true";
    const own = asksOwn && isPlatform(options, gateway.namespace);
    if (asksOwn && !own)
      warn({
        path: ["metadata", "annotations", OWN],
        message: "is for Gateways of the namespaces under `kubernetes.platformNamespaces`: passed over",
      });
    const entry = {
      ...(port !== options.listen.port && { port }),
      publicPort: spec.port,
      ...(spec.hostname !== undefined && { hostname: spec.hostname }),
      ...(certificates.length > 0 && { tls: { certificates } }),
      ...(own && { own: true }),
    };
    config.share(["listeners", name], entry, [...sharers]);
  }
  return states;
}

const isOpenTo = (owner: GatewayObject | undefined, { namespace }: GatewayObject): boolean =>
  owner === undefined || owner.namespace === namespace;

function hostConflict(
  platformHosts: PlatformHosts,
  ofPort: HostOwners<GatewayObject>,
  gateway: GatewayObject,
  { hostname, port }: ListenerSpec,
): Fault | undefined {
  const reserved = hostname === undefined ? undefined : platformHosts(gateway.namespace, hostname);
  if (reserved !== undefined) return reserved;
  const taken = (what: string, { namespace, name }: GatewayObject, advice = ""): Fault => ({
    reason: "HostnameConflict",
    message: `${what} on port ${port} is for Gateways of namespace ${namespace}, by Gateway ${name}${advice}`,
  });
  const owner = ofPort.of(hostname);
  if (owner !== undefined && !isOpenTo(owner, gateway))
    return hostname === undefined
      ? taken("every host without a listener of its own", owner, ": give this listener a hostname")
      : taken(hostname, owner);
  const inside = ofPort.within(hostname).find((each) => !isOpenTo(each.owner, gateway));
  return inside && taken(`${inside.host} inside of ${hostname}`, inside.owner);
}
