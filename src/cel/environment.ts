import { Environment } from "@marcbachmann/cel-js";
import { type Guardrail, harden } from "./evaluator.ts";
import { fieldsOf, type ShapeName, shapes, type VariableName, variables } from "./variables.ts";
import { type BudgetView, type LlmView, views } from "./views.ts";

/** Longest expression, in characters. */
export const LONGEST_EXPRESSION = 8_192;

const limits = { maxAstNodes: 2_000, maxDepth: 64, maxListElements: 1_000, maxMapEntries: 1_000, maxCallArguments: 16 };

const base = new Environment({ limits });
for (const shape of Object.keys(shapes) as ShapeName[]) {
  const fields = Object.fromEntries(Object.entries(fieldsOf(shape)).map(([name, { type }]) => [name, type]));
  base.registerType({ name: shape, ctor: views[shape], fields });
}
base.registerFunction("budget.remaining(string): double", (budgets: BudgetView, name: string) =>
  budgets.remaining(name),
);

base.registerFunction("llm.similarity(string): double", (llm: LlmView, label: string) => llm.similarity(label));
base.registerFunction("llm.class(string): string", (llm: LlmView, classifier: string) => llm.classOf(classifier));
base.registerFunction("llm.classScore(string, string): double", (llm: LlmView, classifier: string, label: string) =>
  llm.scoreOf(classifier, label),
);

/** An environment that knows some of the variables, and the guardrail of its evaluator. */
export interface Prepared {
  readonly environment: Environment;
  readonly guardrail: Guardrail;
}

const prepared = new Map<string, Prepared>();

/** The one environment, as far as the given variables; made once for each list of them that there is in our own code, doubled by `metered`. */
export function environmentOf(names: readonly VariableName[], metered: boolean): Prepared {
  const key = `${metered} ${names.join(" ")}`;
  const known = prepared.get(key);
  if (known !== undefined) return known;
  const environment = base.clone();
  for (const name of names) environment.registerVariable(name, name, { description: variables[name].description });
  const made = { environment, guardrail: harden(environment, metered) };
  prepared.set(key, made);
  return made;
}
