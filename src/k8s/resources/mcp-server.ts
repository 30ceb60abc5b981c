import { isMap } from "../manifest.ts";
import { mcpServer, type McpServerSpec } from "../kinds/mcp-server.ts";
import { defineResource, type ResourceContext } from "./define-resource.ts";
import { addressOf, credentialsOf, report } from "./reachable.ts";
import { tellServed } from "./served.ts";

export const mcpServerResource = defineResource<McpServerSpec>({
  kind: mcpServer,
  backend: undefined,
  translate(contexts) {
    const byNamespace = Map.groupBy(contexts.filter(translateServer), ({ object }) => object.namespace);
    for (const [namespace, [first, ...others]] of byNamespace) {
      if (first === undefined) continue;
      const servers = [first, ...others];
      const path = `/mcp/${namespace}`;
      const { mcp } = first.options.base;
      /* Each of them is served all the same, at a path of its own. */
      if (isMap(mcp) && isMap(mcp["routes"]) && Object.hasOwn(mcp["routes"], path))
        for (const { warn } of servers)
          warn({ path: ["metadata"], message: `${path} stands in the configuration file: this server is not there` });
      else
        first.config.share(
          ["mcp", "routes", path],
          { servers: servers.map(({ object }) => `${namespace}/${object.name}`) },
          others.map(({ object }) => object.manifest),
        );
    }
  },
});

/* Whether it is served. */
function translateServer(context: ResourceContext<McpServerSpec>): boolean {
  const { object, config } = context;
  const name = `${object.namespace}/${object.name}`;
  const { era, prices, timeouts, credentials: asked } = object.spec;
  const place = addressOf(context);
  if (place === undefined) return false;
  const { unresolved: noAddress, ...address } = place;
  const { credentials, unresolved: noSecret } = credentialsOf(context);
  const unresolved = [...noAddress, ...noSecret];
  report(context, unresolved);
  tellServed(context, `/mcp/${name}`, unresolved);
  if (asked !== undefined && credentials === undefined) return false;
  config.set(["mcp", "servers", name], {
    ...address,
    tenant: object.namespace,
    era,
    timeouts,
    ...(prices !== undefined && { prices }),
    ...(credentials !== undefined && { credentials }),
  });
  config.set(["mcp", "routes", `/mcp/${name}`], { servers: [name] });
  return true;
}
