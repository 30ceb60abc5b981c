import { configSchema } from "../../config/schema.ts";
import type { ConfigPath } from "../../core/config-problem.ts";
import { budget, type BudgetSpec } from "../kinds/budget.ts";
import { definePolicy, type PolicyContext } from "./define-policy.ts";
import { targetScope } from "./own-scope.ts";
import { inParens } from "./in-parens.ts";
import { tellAccepted, tellRefused } from "./own-status.ts";
import { type Parts, partsOf } from "./parts.ts";
import { refsOf } from "./refs.ts";

type Context = PolicyContext<BudgetSpec>;

export const budgetPolicy = definePolicy<BudgetSpec>({
  kind: budget,
  targets: ({ spec }) => refsOf(spec.targetRefs ?? []),
  ai: () => false,
  apply(policies) {
    const all = partsOf(policies);
    for (const policy of policies) putBudget(policy, all);
  },
  refused: tellRefused,
});

function putBudget(policy: Context, all: Parts): void {
  const { object, refuse, config } = policy;
  const { targetRefs, where, ...said } = object.spec;
  const scope =
    targetRefs === undefined
      ? `request.tenant == ${JSON.stringify(object.namespace)}`
      : targetScope(policy, all)[0]?.when;
  /* A target that is not there has no calls. */
  const held = scope ?? "false";
  const entry = {
    ...said,
    name: `${object.namespace}/${object.name}`,
    where: where === undefined ? held : `(${held}) && ${inParens(where)}`,
  };
  /* By itself first: what only makes sense between our parentheses could leave them, and count the calls of others. */
  const alone = configSchema.shape.budgets.safeParse([{ ...entry, where }]);
  const read = alone.success ? configSchema.shape.budgets.safeParse([entry]) : alone;
  const faults = read.success
    ? []
    : read.error.issues.map(({ path, message }) => ({ path: placeOf(path.slice(1)), message }));
  for (const fault of faults) refuse(fault);
  tellAccepted(policy, read.success ? undefined : faults.map(({ message }) => message).join("; "));
  if (read.success && scope !== undefined) config.push(["budgets"], entry, placeOf);
}

const placeOf = (path: readonly PropertyKey[]): ConfigPath =>
  path[0] === "name"
    ? ["metadata", "name"]
    : ["spec", ...path.map((part) => (typeof part === "number" ? part : String(part)))];
