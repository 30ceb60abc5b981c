import type { Fault } from "../condition.ts";
import type { ListenerSpec } from "../kinds/gateway.ts";
import type { ParentRef } from "../kinds/http-route.ts";
import type { Manifest } from "../manifest.ts";
import { isPlatform } from "../options.ts";
import type { Workspace } from "../workspace.ts";
import type { GatewayObject } from "./attachment.ts";
import { type Certificate, resolveCertificates } from "./certificates.ts";
import { createHostClaims, inOrderOfClaims } from "./host-claims.ts";
import {
  boundPort,
  gatewayFault,
  listenerFault,
  protocolConflict,
  type RouteKind,
  routeKindsOf,
} from "./listener-faults.ts";
import type { PlatformHosts } from "./platform-hosts.ts";
import { findTakers, reservedHost } from "./takes-route.ts";

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

/** Why parentRefs of routes are refused: a host of theirs is for another namespace. */
export type TakenHosts = ReadonlyMap<ParentRef, Fault>;

/**
 * Says what becomes of every listener, and puts those that serve into the configuration. Gateways share ports: what a port speaks is
 * what the first of them says, and a host of it is for the namespace of the first that serves it. `gateways`: in the order in which
 * they count.
 */
export function planListeners(
  workspace: Workspace,
  gateways: readonly GatewayObject[],
  platformHosts: PlatformHosts,
): { readonly listeners: readonly ListenerState[]; readonly taken: TakenHosts } {
  const { options } = workspace;
  const claims = createHostClaims(options);
  const shared = new Map<string, SharedListener>();
  const owners = new Map([[options.listen.port, { protocol: options.listen.tls ? "HTTPS" : "HTTP", name: "listen" }]]);

  const hostConflict = (port: number, gateway: GatewayObject, spec: ListenerSpec): Fault | undefined =>
    (spec.hostname === undefined ? undefined : platformHosts(gateway.namespace, spec.hostname, port)) ??
    claims.listenerConflict(port, gateway, spec);

  const plan = (gateway: GatewayObject, spec: ListenerSpec, index: number): ListenerState => {
    const kinds = routeKindsOf(spec);
    const tls = spec.protocol === "HTTPS" ? resolveCertificates(workspace, gateway, spec) : undefined;
    const port = boundPort(options, spec);
    const owner = port === undefined ? undefined : owners.get(port);
    const protocols = protocolConflict(gateway.spec.listeners, spec);
    const unavailable =
      protocols ??
      listenerFault(options, spec) ??
      (owner === undefined || owner.protocol === spec.protocol
        ? undefined
        : { reason: "PortUnavailable", message: `port ${port} speaks ${owner.protocol} for ${owner.name}` });
    const conflict =
      protocols ?? (unavailable === undefined && port !== undefined ? hostConflict(port, gateway, spec) : undefined);
    const unaccepted = unavailable ?? conflict;
    const state = { gateway, spec, index, unaccepted, conflict, unresolved: kinds.fault ?? tls?.fault };
    const certificates = tls?.certificates ?? [];
    const whole = gatewayFault(gateway.spec);
    const barred = unaccepted !== undefined || whole !== undefined || (tls !== undefined && certificates.length === 0);
    if (barred || port === undefined) return { ...state, supportedKinds: kinds.supported, serves: undefined };
    const name = `${gateway.namespace}/${gateway.name}/${spec.name}`;
    if (owner === undefined) owners.set(port, { protocol: spec.protocol, name });
    claims.addListener(port, gateway, spec);
    const key = `${port} ${spec.hostname ?? ""}`;
    const entry = shared.get(key) ?? { name, gateway, spec, port, certificates: [], sharers: new Set() };
    shared.set(key, entry);
    if (gateway !== entry.gateway) entry.sharers.add(gateway.manifest);
    for (const each of certificates)
      if (!entry.certificates.some(({ cert }) => cert === each.cert)) entry.certificates.push(each);
    return { ...state, supportedKinds: kinds.supported, serves: entry.name };
  };
  const states = new Map<GatewayObject, readonly ListenerState[]>();
  const taken = new Map<ParentRef, Fault>();
  for (const { gateway, by } of inOrderOfClaims(workspace, gateways)) {
    const known = states.get(gateway);
    if (by === undefined || known === undefined) {
      states.set(
        gateway,
        gateway.spec.listeners.map((spec, index) => plan(gateway, spec, index)),
      );
      continue;
    }
    const { route, ref } = by;
    const reserved = reservedHost(platformHosts, route);
    const found = findTakers(workspace, { route, ref, parent: gateway, listeners: known, reserved });
    if ("fault" in found) continue;
    const places = found.listeners.flatMap(({ spec, serves }) => {
      const port = serves === undefined ? undefined : boundPort(options, spec);
      return port === undefined ? [] : [{ port, spec }];
    });
    const fault = claims.claimRoute(gateway, route, places);
    if (fault !== undefined) taken.set(ref, fault);
  }
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
  return { listeners: gateways.flatMap((gateway) => states.get(gateway) ?? []), taken };
}
