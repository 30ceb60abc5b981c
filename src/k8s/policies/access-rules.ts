import type { Protocol } from "../../core/operation.ts";
import type { OwnScope } from "./own-scope.ts";

/** What the journal and explanations call a rule of an AccessPolicy. */
export const ruleNameOf = (
  { namespace, name }: { readonly namespace: string; readonly name: string },
  rule: string,
): string => `${namespace}/${name}/${rule}`;

const OPEN = "no AccessPolicy";

/* As `policies: open` has it: callers without a credential go where a route of the configuration lets them, and nowhere else. */
const known = 'principal.issuer != "urn:sallyport:anonymous"';
const others: readonly { readonly on: readonly Protocol[]; readonly who: string | undefined }[] = [
  { on: ["mcp"], who: known },
  { on: ["a2a"], who: known },
  { on: ["llm"], who: `!request.route.startsWith("/") || ${known}` },
  { on: ["http"], who: undefined },
];

/** Rules that let through what no AccessPolicy is for. `covered`: what each of them is for; none where there are no policies. */
export function openRules(covered: readonly OwnScope[]): readonly Readonly<Record<string, unknown>>[] {
  if (covered.length === 0) return [];
  return others.map(({ on, who }) => {
    const scopes = covered.flat().flatMap((scope) => (scope.on.some((each) => on.includes(each)) ? [scope.when] : []));
    const conditions = [...scopes.map((when) => `!(${when})`), ...(who === undefined ? [] : [`(${who})`])];
    return {
      name: `${OPEN} (${on.join(", ")})`,
      on,
      allow: conditions.length === 0 ? "true" : conditions.join(" && "),
    };
  });
}
