import { LONGEST_EXPRESSION } from "../../cel/environment.ts";
import type { Protocol } from "../../core/operation.ts";
import { hasTag } from "./parts.ts";

/** What the journal and explanations call a rule of an AccessPolicy. */
export const ruleNameOf = (
  { namespace, name }: { readonly namespace: string; readonly name: string },
  rule: string,
): string => `${namespace}/${name}/${rule}`;

/** On every part of a route that an AccessPolicy names. */
export const COVERED = "AccessPolicy";

/** What all AccessPolicies together are for. */
export interface Covered {
  readonly namespaces: readonly string[];
  /** As the configuration names them. */
  readonly servers: readonly string[];
  readonly agents: readonly string[];
}

/* As `policies: open` has it: callers without a credential go where a route of the configuration lets them, and nowhere else. */
export const knownCaller = 'principal.issuer != "urn:sallyport:anonymous"';

/** Rules that let through what no AccessPolicy is for. One that nobody could read any more is left out, which leaves it closed. */
export function openRules({ namespaces, servers, agents }: Covered): {
  readonly rules: readonly Readonly<Record<string, unknown>>[];
  readonly tooLong: readonly Protocol[];
} {
  const tooLong: Protocol[] = [];
  const outside = (field: string) => namespaces.map((name) => `!${field}.startsWith(${JSON.stringify(`${name}/`)})`);
  const noneOf = (field: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`!(${field} in ${JSON.stringify(names)})`];
  const untagged = [`!(${hasTag(COVERED)})`, ...outside("request.route")];
  const rule = (on: Protocol, conditions: readonly string[]) => {
    const allow = conditions.join(" && ");
    if (allow.length <= LONGEST_EXPRESSION) return [{ name: `no AccessPolicy (${on})`, on: [on], allow }];
    tooLong.push(on);
    return [];
  };
  const rules = [
    ...rule("mcp", [...noneOf("mcp.server", servers), ...outside("mcp.server"), knownCaller]),
    ...rule("a2a", [...noneOf("a2a.agent", agents), ...outside("a2a.agent"), knownCaller]),
    ...rule("llm", [...untagged, `(!request.route.startsWith("/") || ${knownCaller})`]),
    ...rule("http", untagged),
  ];
  return { rules, tooLong };
}
