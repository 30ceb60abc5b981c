import type { Router } from "express";
import type { Route } from "../core/exchange.ts";

const RESOURCE_PREFIX = "/.well-known/oauth-protected-resource";

/** Adds protected resource metadata (RFC 9728, section 3): the gateway at the root, each route at its own suffixed address. */
export function addResourceMetadata(
  router: Router,
  options: {
    audience: string;
    routes: () => readonly Route[];
    authorizationServers: readonly string[];
    scopes: () => readonly string[];
  },
): void {
  router.get([RESOURCE_PREFIX, `${RESOURCE_PREFIX}/*path`], (request, response) => {
    const suffix = request.path.slice(RESOURCE_PREFIX.length).replace(/\/$/, "");
    const route = options.routes().find(({ path }) => path === suffix);
    if (suffix !== "" && route === undefined) {
      response.status(404).json({ error: "not_found", error_description: "No resource is served at this path." });
      return;
    }
    const scopes = options.scopes();
    response.set("cache-control", "public, max-age=300").json({
      resource: route?.audiences[0] ?? options.audience,
      authorization_servers: options.authorizationServers,
      ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
      bearer_methods_supported: ["header"],
      resource_name: route === undefined ? "Sallyport" : `Sallyport ${route.path}`,
    });
  });
}
