import type { Protocol } from "../../core/operation.ts";
import { a2aAgent } from "../kinds/a2a-agent.ts";
import { mcpServer } from "../kinds/mcp-server.ts";
import type { PolicyContext } from "./define-policy.ts";
import { hasTag, type Parts, reachOf, tagParts } from "./parts.ts";

/** What a policy of ours is for, in CEL that is true of it, for each group of protocols that one expression does for. */
export type OwnScope = readonly { readonly on: readonly Protocol[]; readonly when: string }[];

const quoted = (text: string): string => JSON.stringify(text);

/** All that is served of a namespace. */
export const namespaceScope = (namespace: string): OwnScope => [
  { on: ["mcp"], when: `mcp.server.startsWith(${quoted(`${namespace}/`)})` },
  { on: ["a2a"], when: `a2a.agent.startsWith(${quoted(`${namespace}/`)})` },
  { on: ["llm", "http"], when: `request.route.startsWith(${quoted(`${namespace}/`)})` },
];

/** The servers and agents among the targets, and the routes that the others reach. `all`: the parts of all policies of the kind. */
export function targetScope(policy: PolicyContext<unknown>, all: Parts): OwnScope {
  const { kind, namespace, name } = policy.object;
  const named = (target: unknown) =>
    policy.targets.flatMap(({ object }) => (object.kind === target ? [`${object.namespace}/${object.name}`] : []));
  const oneOf = (field: string, names: readonly string[]) =>
    names.length === 1 ? `${field} == ${quoted(names[0] ?? "")}` : `${field} in [${names.map(quoted).join(", ")}]`;
  const [servers, agents, parts] = [named(mcpServer), named(a2aAgent), reachOf(policy, all)];
  const tag = `${kind.kind} ${namespace}/${name}`;
  if (parts.length > 0) tagParts(tag, parts, all, policy.tag);
  return [
    ...(servers.length === 0 ? [] : [{ on: ["mcp"] as const, when: oneOf("mcp.server", servers) }]),
    ...(agents.length === 0 ? [] : [{ on: ["a2a"] as const, when: oneOf("a2a.agent", agents) }]),
    ...(parts.length === 0 ? [] : [{ on: ["llm", "http"] as const, when: hasTag(tag) }]),
  ];
}
