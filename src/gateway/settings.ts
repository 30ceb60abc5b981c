import type { AuthConfig } from "../auth/config.ts";
import type { Config } from "../config/schema.ts";
import { isLoopbackHost } from "../http/address.ts";
import { bindHostOf } from "../http/config.ts";
import { createHostCheck, type HostCheck } from "../http/host.ts";
import { doorOf, type ListenerConfig, MAIN } from "../http/listeners-config.ts";
import { createOwnHostCheck, ownHostnames } from "../http/own-hosts.ts";
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
    main: { own: true, answersOwn: () => true, sharesMain: true, isOwnHost: ownHosts(config, publicUrl, true) },
    listeners: Object.entries(config.listeners).map(([name, listener]) => {
      const sharesMain = doorOf(name, listener, config.listen) === MAIN;
      const own = listener.own || isMain(name, listener, config);
      const answersOwn = answeredHosts(listener, config, publicUrl);
      /* Names of this machine are those of every program on it, which ports tell apart. */
      return { name, own, answersOwn, sharesMain, isOwnHost: ownHosts(config, publicUrl, own || sharesMain) };
    }),
  };
}

/** Whether a listener without a hostname shares the port of `listen`: then it stands for both. */
const isMain = (name: string, listener: ListenerConfig, { listen }: Config): boolean =>
  listener.hostname === undefined && doorOf(name, listener, listen) === MAIN;

const isLocal = (host: string): boolean => isLoopbackHost(host.replace(/^\[|\]$/g, ""));

/** The hosts that are the gateway's before they are any route's. */
function ownHosts(config: Config, { hostname: known }: URL, local: boolean): HostCheck {
  const own = ownHostnames(known, config.listen.allowedHosts);
  const loopback = local && (isLocal(bindHostOf(config)) || isLocal(known));
  return createOwnHostCheck(local ? own : own.filter((host) => !isLoopbackHost(host)), loopback);
}

/** The hosts under which the gateway's own paths are answered: a page of any other could be a stranger's name for this address. */
function answeredHosts({ hostname, address }: ListenerConfig, config: Config, { hostname: known }: URL): HostCheck {
  const loopback = isLocal(address ?? bindHostOf(config)) || isLocal(known);
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
