import { a2aAgent, type A2aAgentSpec } from "../kinds/a2a-agent.ts";
import { defineResource, type ResourceContext } from "./define-resource.ts";
import { addressOf, credentialsOf, report } from "./reachable.ts";
import { tellServed } from "./served.ts";

export const a2aAgentResource = defineResource<A2aAgentSpec>({
  kind: a2aAgent,
  backend: undefined,
  translate: (contexts) => contexts.forEach(translateAgent),
});

function translateAgent(context: ResourceContext<A2aAgentSpec>): void {
  const { object, config } = context;
  const name = `${object.namespace}/${object.name}`;
  const { url: _, service: __, credentials: asked, ...rest } = object.spec;
  const place = addressOf(context);
  if (place === undefined) return;
  const { unresolved: noAddress, ...address } = place;
  const { credentials, unresolved: noSecret } = credentialsOf(context);
  const unresolved = [...noAddress, ...noSecret];
  report(context, unresolved);
  tellServed(context, `/a2a/${name}`, unresolved);
  if (asked !== undefined && credentials === undefined) return;
  config.set(["a2a", "agents", name], {
    ...address,
    tenant: object.namespace,
    ...rest,
    ...(credentials !== undefined && { credentials }),
  });
}
