import type { Fault } from "../condition.ts";
import { gateway as gatewayKind, type ListenerSpec } from "../kinds/gateway.ts";
import { httpRoute, type ParentRef } from "../kinds/http-route.ts";
import { isPlatform, type TranslateOptions } from "../options.ts";
import { bornMs, byAge } from "../precedence.ts";
import type { Workspace } from "../workspace.ts";
import type { GatewayObject, HttpRouteObject } from "./attachment.ts";
import { hostsMeet, isInside, nearestOf } from "./hostnames.ts";
import { isGatewayRef } from "./takes-route.ts";

/** Who has a host: a Gateway by a listener, or a route that one of its listeners without a hostname takes. */
interface Claim {
  readonly gateway: GatewayObject;
  readonly route?: HttpRouteObject;
}

/** Where a route is to be served. */
export interface Place {
  readonly port: number;
  readonly spec: ListenerSpec;
}

/** Who has which hosts of which port. To whom they were given first, they stay. */
export interface HostClaims {
  /** Why a listener cannot have its host, or as one without a hostname the rest. */
  listenerConflict(port: number, gateway: GatewayObject, spec: ListenerSpec): Fault | undefined;
  addListener(port: number, gateway: GatewayObject, spec: ListenerSpec): void;
  /** Gives a route its hosts at all of these places, or says why not: then it gets none. */
  claimRoute(gateway: GatewayObject, route: HttpRouteObject, places: readonly Place[]): Fault | undefined;
}

interface OfPort {
  /** By listeners, by hostname; undefined: every host there is. */
  readonly listeners: Map<string | undefined, Claim>;
  /** By routes at listeners without a hostname: a listener that is nearer would take them. */
  readonly routes: { readonly host: string; readonly claim: Claim }[];
}

export function createHostClaims(options: TranslateOptions): HostClaims {
  const ports = new Map<number, OfPort>();
  const at = (port: number): OfPort => {
    const found = ports.get(port) ?? { listeners: new Map(), routes: [] };
    ports.set(port, found);
    return found;
  };
  /* Within one namespace, and among those of the platform's hand, it is as the Gateway API has it. */
  const share = (a: Claim, b: Claim): boolean => {
    const [ours, theirs] = [namespacesOf(a), namespacesOf(b)];
    return (
      ours.some((each) => theirs.includes(each)) || [...ours, ...theirs].every((each) => isPlatform(options, each))
    );
  };
  return {
    listenerConflict(port, gateway, spec) {
      const { listeners, routes } = at(port);
      const { hostname } = spec;
      const mine = { gateway };
      const holder = hostname === undefined ? listeners.get(undefined) : nearestOf(listeners, hostname);
      if (holder !== undefined) {
        if (share(holder, mine)) return undefined;
        return hostname === undefined
          ? taken("every host without a listener of its own", spec, holder, ": give this listener a hostname")
          : taken(hostname, spec, holder);
      }
      if (hostname === undefined) return undefined;
      const other = routes.find(({ host, claim }) => hostsMeet(hostname, [host]) && !share(claim, mine));
      if (other === undefined) return undefined;
      const what = isInside(other.host, hostname) ? `${other.host} inside of ${hostname}` : hostname;
      return taken(what, spec, other.claim);
    },
    addListener(port, gateway, { hostname }) {
      const { listeners } = at(port);
      if (!listeners.has(hostname)) listeners.set(hostname, { gateway });
    },
    claimRoute(gateway, route, places) {
      const mine = { gateway, route };
      const brought = places.flatMap(({ port, spec }) =>
        (route.spec.hostnames ?? [])
          .filter((host) => spec.hostname === undefined || isInside(host, spec.hostname))
          .map((host) => ({ host, spec, ...at(port) })),
      );
      for (const { host, spec, listeners } of brought) {
        const holder = nearestOf(listeners, host);
        if (holder !== undefined && !share(holder, mine)) return taken(host, spec, holder);
      }
      for (const { host, spec, routes } of brought) if (spec.hostname === undefined) routes.push({ host, claim: mine });
      return undefined;
    },
  };
}

/** What claims hosts, in the order in which it counts: first all listeners of the platform's Gateways. */
export function inOrderOfClaims(
  { objects, options }: Workspace,
  gateways: readonly GatewayObject[],
): readonly { readonly gateway: GatewayObject; readonly by?: { route: HttpRouteObject; ref: ParentRef } }[] {
  const own = new Set(gateways);
  const listeners = gateways.map((gateway) => {
    const first = isPlatform(options, gateway.namespace);
    return { gateway, sinceMs: first ? Number.NEGATIVE_INFINITY : bornMs(gateway) };
  });
  const routes = objects
    .list(httpRoute)
    .toSorted(byAge)
    .flatMap((route) =>
      (route.spec.parentRefs ?? []).flatMap((ref) => {
        const gateway = isGatewayRef(ref)
          ? objects.get(gatewayKind, ref.namespace ?? route.namespace, ref.name)
          : undefined;
        if (gateway === undefined || !own.has(gateway)) return [];
        return [{ gateway, by: { route, ref }, sinceMs: Math.max(bornMs(gateway), bornMs(route)) }];
      }),
    );
  /* Stable: of the same age listeners come before routes. */
  return [...listeners, ...routes].toSorted((a, b) => (a.sinceMs === b.sinceMs ? 0 : a.sinceMs < b.sinceMs ? -1 : 1));
}

const namespacesOf = ({ gateway, route }: Claim): readonly string[] =>
  route === undefined ? [gateway.namespace] : [gateway.namespace, route.namespace];

const taken = (what: string, { port }: ListenerSpec, { gateway, route }: Claim, advice = ""): Fault => ({
  reason: "HostnameConflict",
  message: `${what} on port ${port} is for Gateways of namespace ${gateway.namespace}, by Gateway ${gateway.name}${route === undefined ? "" : ` and HTTPRoute ${route.namespace}/${route.name}`}${advice}`,
});
