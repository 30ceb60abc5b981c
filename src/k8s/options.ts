import type { ObjectSource } from "./objects.ts";

/** What translating needs to know beside the objects. */
export interface TranslateOptions {
  /** Where a Service is instead, by `NAME.NAMESPACE`: an origin such as `http://127.0.0.1:8080`. */
  readonly backends: ReadonlyMap<string, string>;
  /** The port to bind for a port of a Gateway's listener. */
  readonly ports: ReadonlyMap<number, number>;
  /** Gateways of classes with this controller are this gateway's. */
  readonly controllerName: string;
  /** The class that is this gateway's without a GatewayClass that says so; in a folder alone. */
  readonly className: string;
  readonly source: ObjectSource;
}

export const defaultOptions: TranslateOptions = {
  backends: new Map(),
  ports: new Map([
    [80, 4000],
    [443, 4443],
  ]),
  controllerName: "sallyport.dev/gateway",
  className: "sallyport",
  source: "folder",
};
