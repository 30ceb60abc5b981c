import type { GatewaySpec } from "../kinds/gateway.ts";
import type { HttpRouteSpec } from "../kinds/http-route.ts";
import type { KubeObject } from "../parse-object.ts";

export type GatewayObject = KubeObject<GatewaySpec>;
export type HttpRouteObject = KubeObject<HttpRouteSpec>;

/** A listener that a route is served by. */
export interface AttachedListener {
  readonly gateway: GatewayObject;
  /** As the Gateway names it. */
  readonly name: string;
  /** As the configuration names it: `request.listener` in CEL. */
  readonly listener: string;
}

/** A route that is served. */
export interface ServedRoute {
  readonly object: HttpRouteObject;
  /** Its name in the configuration: `request.route` in CEL. */
  readonly name: string;
  /** The gateways that have accepted it; none where a folder holds none. */
  readonly gateways: readonly GatewayObject[];
  /** The names in the configuration of the listeners it is served by; undefined: `listen` alone. */
  readonly listeners: readonly string[] | undefined;
  /** The same, each as its Gateway names it. */
  readonly attached: readonly AttachedListener[];
  /** Whether its namespace is of the platform's own hand. */
  readonly platform: boolean;
  /** Whether an AI policy is attached: its Services are model servers then. */
  readonly ai: boolean;
  /** What of it leads to Services that are no model servers: it is passed on unread. */
  readonly unread: "nothing" | "some" | "all";
  /** Whether callers need a credential of the gateway's. */
  readonly auth: "required" | "optional";
}
