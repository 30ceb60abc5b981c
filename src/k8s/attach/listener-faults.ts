import type { Fault } from "../condition.ts";
import type { GatewaySpec, ListenerSpec } from "../kinds/gateway.ts";
import { httpRoute } from "../kinds/http-route.ts";
import type { TranslateOptions } from "../options.ts";

/** A kind of route, as a listener names it. */
export interface RouteKind {
  readonly group: string;
  readonly kind: string;
}

const routeKind: RouteKind = { group: httpRoute.group, kind: httpRoute.kind };
const protocols = ["HTTP", "HTTPS"];

/** The port to bind for a listener; undefined where none is known. In a cluster a Service and policies open those that are named alone. */
export function boundPort(
  { ports, source }: TranslateOptions,
  { port }: Pick<ListenerSpec, "port">,
): number | undefined {
  return ports.get(port) ?? (source === "folder" && port >= 1_024 ? port : undefined);
}

const isServedProtocol = ({ protocol }: ListenerSpec): boolean => protocols.includes(protocol);

/** Why a listener cannot be by what stands in it alone. */
export function listenerFault(options: TranslateOptions, spec: ListenerSpec): Fault | undefined {
  const { protocol, port, tls } = spec;
  if (!isServedProtocol(spec))
    return {
      reason: "UnsupportedProtocol",
      message: `protocol ${protocol} is not served: ${protocols.join(" and ")} are`,
    };
  if (tls?.mode === "Passthrough")
    return { reason: "UnsupportedValue", message: "TLS is ended at this gateway and not passed through" };
  return boundPort(options, spec) === undefined
    ? { reason: "PortUnavailable", message: portMessage(options, port) }
    : undefined;
}

function portMessage({ source, ports }: TranslateOptions, port: number): string {
  const binds = port < 1_024 ? port + 4_000 : port;
  if (source === "folder")
    return `port ${port} is not bound as it is below 1024: say in its place which is, as in \`kubernetes: {ports: {${port}: ${binds}}}\``;
  const known = [...ports.keys()].toSorted((a, b) => a - b).join(", ");
  return `this gateway's ports are ${known === "" ? "none" : known}: its operator opens another with \`kubernetes: {ports: {…, ${port}: ${binds}}}\` and at its Service`;
}

/** Listeners of one Gateway that speak HTTP and HTTPS on one port: none of them is served, for nobody can say which is meant. */
export function protocolConflict(listeners: readonly ListenerSpec[], spec: ListenerSpec): Fault | undefined {
  if (!isServedProtocol(spec)) return undefined;
  const other = listeners.find(
    (each) => each.protocol !== spec.protocol && isServedProtocol(each) && each.port === spec.port,
  );
  if (other === undefined) return undefined;
  const message = `port ${spec.port} is for ${spec.protocol} here and for ${other.protocol} in listener ${other.name}`;
  return { reason: "ProtocolConflict", message };
}

/** The kinds of routes a listener takes, and those it names that nobody serves. */
export function routeKindsOf(spec: ListenerSpec): {
  readonly supported: readonly RouteKind[];
  readonly fault: Fault | undefined;
} {
  const served = isServedProtocol(spec);
  const asked = spec.allowedRoutes.kinds ?? [routeKind];
  const isKnown = ({ group, kind }: RouteKind) => served && group === routeKind.group && kind === routeKind.kind;
  const strange = asked.filter((each) => !isKnown(each));
  return {
    supported: asked.some(isKnown) ? [routeKind] : [],
    fault:
      strange.length === 0 || !served
        ? undefined
        : {
            reason: "InvalidRouteKinds",
            message: `${strange.map(({ kind }) => kind).join(", ")}: not served by ${spec.protocol} listeners here; ${routeKind.kind} is`,
          },
  };
}

/** What a Gateway asks for as a whole that is not to be had here. */
export function gatewayFault({ infrastructure, addresses = [] }: GatewaySpec): Fault | undefined {
  if (infrastructure?.parametersRef !== undefined)
    return {
      reason: "InvalidParameters",
      message: "a Gateway has no parameters here: take infrastructure.parametersRef out",
    };
  if (addresses.some(({ value }) => value !== undefined && value !== ""))
    return {
      reason: "UnsupportedAddress",
      message: "addresses are not assigned here: the gateway answers at those of its Service",
    };
  return undefined;
}
