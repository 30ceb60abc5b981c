import type { JsonMap } from "./manifest.ts";
import type { ObjectSource } from "./objects.ts";
import type { UnknownKind } from "./unknown-kinds.ts";

/** What translating needs to know beside the objects. */
export interface TranslateOptions {
  /** Where a Service, or the servers of a pool, are instead, by `NAME.NAMESPACE`: origins such as `http://127.0.0.1:8080`. */
  readonly backends: ReadonlyMap<string, readonly string[]>;
  /** The port to bind for a port of a Gateway's listener; one that is not among them is bound as it is, from 1024, in a folder alone. */
  readonly ports: ReadonlyMap<number, number>;
  /** `listen` of the configuration: listeners on its port share it. `local`: it answers this machine alone. */
  readonly listen: { readonly port: number; readonly tls: boolean; readonly local: boolean };
  /** Gateways of classes with this controller are this gateway's. */
  readonly controllerName: string;
  /** The class that is this gateway's without a GatewayClass that says so; in a folder alone. */
  readonly className: string;
  readonly source: ObjectSource;
  /** The Gateways, as `NAMESPACE/NAME`, that were there before: none of them goes while a route names it. */
  readonly formerGateways: ReadonlySet<string>;
  /** Namespaces of the platform's own hand; undefined: every one. */
  readonly platformNamespaces: readonly string[] | undefined;
  /** The configuration that manifests are added to, as its file holds it. */
  readonly base: JsonMap;
  /** What callers reach the gateway at: `status.addresses` of Gateways. */
  readonly addresses: readonly { readonly type: string; readonly value: string }[];
  /** Listeners of the configuration that could not be bound, and why. */
  readonly unbound: ReadonlyMap<string, string>;
  /** Kinds that are there and cannot be read. */
  readonly unknown: readonly UnknownKind[];
}

export const defaultOptions: TranslateOptions = {
  backends: new Map(),
  ports: new Map([
    [80, 4000],
    [443, 4443],
  ]),
  listen: { port: 4000, tls: false, local: true },
  controllerName: "sallyport.dev/gateway",
  className: "sallyport",
  source: "folder",
  formerGateways: new Set(),
  platformNamespaces: undefined,
  base: {},
  addresses: [],
  unbound: new Map(),
  unknown: [],
};

/** Whether a namespace is of the platform's own hand: its objects may take what other namespaces may not. */
export const isPlatform = (
  { platformNamespaces }: Pick<TranslateOptions, "platformNamespaces">,
  namespace: string,
): boolean => platformNamespaces?.includes(namespace) ?? true;
