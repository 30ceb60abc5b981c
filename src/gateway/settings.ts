import type { AuthConfig } from "../auth/config.ts";
import type { Config } from "../config/schema.ts";
import { isLoopbackHost } from "../http/address.ts";
import { bindHostOf } from "../http/config.ts";
import { createHostCheck, type HostCheck } from "../http/host.ts";
import { doorOf, type ListenerConfig, MAIN } from "../http/listeners-config.ts";
import type { ServiceRoutesOptions } from "../services/rule-route.ts";
import type { RouteSettings } from "./routes.ts";

/** What the table of routes needs to know, out of the whole configuration. */
export function routeSettings(config: Config, auth: AuthConfig, publicUrl: URL): RouteSettings {
  return {
    publicUrl,
    audience: auth.audience ?? publicUrl.origin,
    anonymous: auth.anonymous,
    mcpPaths: Object.keys(config.mcp?.routes ?? {}),
    agents: config.a2a === undefined ? undefined : Object.keys(config.a2a.agents),
    models: config.models !== undefined,
    publicCards: config.a2a?.cards === "public",
    bodyLimitBytes: config.limits.body,
    listeners: Object.entries(config.listeners).map(([name, listener]) => {
      const alsoMain = isMain(name, listener, config);
      return { name, own: listener.own || alsoMain, answersOwn: ownHosts(listener, config, publicUrl) };
    }),
  };
}

/** Whether a listener without a hostname shares the port of `listen`: then it stands for both. */
const isMain = (name: string, listener: ListenerConfig, { listen }: Config): boolean =>
  listener.hostname === undefined && doorOf(name, listener, listen) === MAIN;

/** The hosts under which the gateway's own paths are answered: a page of any other could be a stranger's name for this address. */
function ownHosts({ hostname, address }: ListenerConfig, config: Config, { hostname: known }: URL): HostCheck {
  const bound = address ?? bindHostOf(config);
  const loopback = isLoopbackHost(bound) || isLoopbackHost(known.replace(/^\[|\]$/g, ""));
  const patterns = [known, ...config.listen.allowedHosts, ...(hostname === undefined ? [] : [hostname])];
  return createHostCheck({ patterns, loopback });
}

/** What the routes to services need to know. */
export const serviceRouteOptions = (
  config: Config,
  routes: NonNullable<Config["routes"]>,
  { audience, bodyLimitBytes }: RouteSettings,
): ServiceRoutesOptions => ({
  routes,
  audience,
  bodyLimitBytes,
  listeners: new Map([
    [MAIN, [MAIN]],
    ...Object.entries(config.listeners).map(([name, listener]): [string, string[]] => [
      name,
      isMain(name, listener, config) ? [name, MAIN] : [name],
    ]),
  ]),
});
