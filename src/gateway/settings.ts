import type { AuthConfig } from "../auth/config.ts";
import type { Config } from "../config/schema.ts";
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
  };
}

/** What the routes to services need to know. */
export const serviceRouteOptions = (
  routes: NonNullable<Config["routes"]>,
  { audience, bodyLimitBytes }: RouteSettings,
): ServiceRoutesOptions => ({ routes, audience, bodyLimitBytes });
