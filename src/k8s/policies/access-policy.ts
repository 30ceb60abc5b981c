import { compileExpression } from "../../cel/expression.ts";
import { ExpressionError } from "../../cel/expression-error.ts";
import { variablesOn } from "../../cel/variables.ts";
import type { Protocol } from "../../core/operation.ts";
import { accessPolicy, type AccessPolicySpec, type AccessRuleSpec } from "../kinds/access-policy.ts";
import type { Remark } from "../kinds/define-kind.ts";
import { isMap } from "../manifest.ts";
import { a2aAgent } from "../kinds/a2a-agent.ts";
import { mcpServer } from "../kinds/mcp-server.ts";
import { COVERED, type Covered, openRules, ruleNameOf } from "./access-rules.ts";
import { inParens } from "./in-parens.ts";
import { definePolicy, type PolicyContext } from "./define-policy.ts";
import { namespaceScope, type OwnScope, targetScope } from "./own-scope.ts";
import { tellAccepted, tellRefused } from "./own-status.ts";
import { partsOf, policiesAt, tagParts } from "./parts.ts";
import { refsOf } from "./refs.ts";

type Context = PolicyContext<AccessPolicySpec>;
const effects = ["allow", "deny", "require"] as const;

export const accessPolicyPolicy = definePolicy<AccessPolicySpec>({
  kind: accessPolicy,
  targets: ({ spec }) => refsOf(spec.targetRefs ?? []),
  ai: () => false,
  apply(policies) {
    const all = partsOf(policies);
    const sound = policies.flatMap((policy) => {
      const { namespace, spec } = policy.object;
      const scope = spec.targetRefs === undefined ? namespaceScope(namespace) : targetScope(policy, all);
      return applyRules(policy, scope) ? [policy] : [];
    });
    const [first] = sound;
    if (first === undefined || isMap(first.options.base["policies"])) return;
    /* Rules that only record close nothing. */
    const closing = sound.filter(({ object }) => object.spec.rules.some(({ mode }) => mode === "enforce"));
    tagParts(COVERED, [...policiesAt(all, closing).keys()], all, first.tag);
    const { rules, tooLong } = openRules(coveredBy(closing));
    for (const rule of rules) first.config.push(["policies", "rules"], rule);
    if (tooLong.length > 0)
      first.warn({
        path: ["kind"],
        message: `AccessPolicies are for more servers, agents and namespaces than one expression can name: what none of them is for is closed too (${tooLong.join(", ")}); name Gateways or routes in targetRefs, or write \`policies: {rules: ...}\` in the configuration file`,
      });
  },
  refused: tellRefused,
});

function coveredBy(policies: readonly Context[]): Covered {
  const named = (kind: unknown) =>
    policies.flatMap(({ targets }) =>
      targets.flatMap(({ object }) => (object.kind === kind ? [`${object.namespace}/${object.name}`] : [])),
    );
  const whole = policies.filter(({ object }) => object.spec.targetRefs === undefined);
  return {
    namespaces: [...new Set(whole.map(({ object }) => object.namespace))],
    servers: [...new Set(named(mcpServer))],
    agents: [...new Set(named(a2aAgent))],
  };
}

/* Whether they are in force. */
function applyRules(policy: Context, scope: OwnScope): boolean {
  const { object, refuse, config, options } = policy;
  const made = object.spec.rules.map((rule, index) => toRules(object, rule, index, scope));
  const faults = made.flatMap((each) => each.faults);
  const { policies } = options.base;
  if (policies !== undefined && policies !== "open" && !isMap(policies))
    faults.push({
      path: ["kind"],
      message:
        "`policies` of the configuration file names files: write `{rules: [...]}` or `open` there to have AccessPolicies beside",
    });
  for (const fault of faults) refuse(fault);
  tellAccepted(policy, faults.length === 0 ? undefined : faults.map(({ message }) => message).join("; "));
  if (faults.length > 0) return false;
  for (const [index, { rules }] of made.entries())
    for (const rule of rules) config.push(["policies", "rules"], rule, () => ["spec", "rules", index]);
  return true;
}

/* A rule for each group of protocols that needs an expression of its own. */
function toRules(object: Context["object"], rule: AccessRuleSpec, index: number, scope: OwnScope) {
  const { name, on, scopes, mode, message } = rule;
  const faults: Remark[] = [];
  const effect = effects.find((each) => rule[each] !== undefined) ?? "require";
  const source = rule[effect] ?? "";
  const path = ["spec", "rules", index];
  const known = scope.flatMap((each) => each.on);
  /* Without a target that is there nothing is known to be wrong. */
  const strange = known.length === 0 ? [] : (on ?? []).filter((protocol) => !known.includes(protocol));
  if (strange.length > 0)
    faults.push({
      path: [...path, "on"],
      message: `no target is of ${strange.join(" and ")}: they are of ${known.join(", ")}`,
    });
  const groups = scope.flatMap((each) => {
    const protocols = each.on.filter((protocol) => on === undefined || on.includes(protocol));
    return protocols.length === 0 ? [] : [{ on: protocols, when: each.when }];
  });
  const rules = groups.map(({ on: protocols, when }) => {
    const whole = effect === "require" ? `!(${when}) || ${inParens(source)}` : `(${when}) && ${inParens(source)}`;
    /* By itself, too: what only makes sense between our parentheses could leave them. */
    const fault = celFault(source, protocols) ?? celFault(whole, protocols);
    if (fault !== undefined) faults.push({ path: [...path, effect], message: fault });
    return {
      name: `${ruleNameOf(object, name)}${groups.length > 1 ? ` (${protocols.join(", ")})` : ""}`,
      on: protocols,
      [effect]: whole,
      ...(scopes !== undefined && { scopes }),
      ...(mode === "shadow" && { mode }),
      ...(message !== undefined && { message }),
    };
  });
  return { rules, faults };
}

function celFault(source: string, on: readonly Protocol[]): string | undefined {
  try {
    compileExpression(source, { variables: variablesOn(on), result: "bool" });
    return undefined;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return error.message;
  }
}
