import type { ConfigProblem } from "../core/config-problem.ts";
import type { InferenceConfig } from "./config.ts";
import { compileChoice } from "./routing/choice.ts";
import { toMeanings } from "./routing/meaning/meaning-config.ts";
import { isVirtual } from "./routing/virtual-config.ts";

/** What is configured and never asked: no fault, and often a name that was changed in one of two places. Of a configuration without problems. */
export function findUnused({ models = {}, pools = {}, routing }: InferenceConfig): ConfigProblem[] {
  const entries = Object.values(models);
  const pooled = new Set(entries.flatMap((entry) => ("pool" in entry ? [entry.pool] : [])));
  const meanings = toMeanings(routing);
  const rules = entries.flatMap((entry) => (isVirtual(entry) ? entry.choose : []));
  const asks = rules.flatMap(({ when }) => compileChoice(when, meanings).asks);
  const namesOf = (wanted: "similarity" | "class") =>
    new Set(asks.flatMap(({ kind, name }) => (kind === wanted ? [name] : [])));
  const [labels, classifiers] = [namesOf("similarity"), namesOf("class")];
  const { embedder = "lexical" } = routing ?? {};
  return [
    ...Object.keys(pools)
      .filter((name) => !pooled.has(name))
      .map((name) => ({
        path: ["pools", name],
        message: `no model is of this pool, so its servers get no calls: give a model \`pool: ${name}\`, or leave it out`,
      })),
    ...(embedder !== "lexical" && labels.size === 0
      ? [{ path: ["routing", "embedder"], message: "no rule asks for `llm.similarity`: write one, or leave it out" }]
      : []),
    ...meanings.examples
      .filter((label) => !labels.has(label))
      .map((label) => ({
        path: ["routing", "examples", label],
        message: `no rule asks for \`llm.similarity(${JSON.stringify(label)})\`: write one, or leave it out`,
      })),
    ...Object.keys(meanings.classifiers)
      .filter((name) => !classifiers.has(name))
      .map((name) => ({
        path: ["routing", "classifiers", name],
        message: `no rule asks for \`llm.class(${JSON.stringify(name)})\`: write one, or leave it out`,
      })),
  ];
}
