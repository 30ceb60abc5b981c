import type { ConfigProblem } from "../core/config-problem.ts";
import type { InferenceConfig } from "./config.ts";
import type { PoolConfig } from "./pool/pool-config.ts";
import { compileChoice } from "./routing/choice.ts";
import { toMeanings } from "./routing/meaning/meaning-config.ts";
import { isVirtual } from "./routing/virtual-config.ts";

interface Branches extends InferenceConfig {
  readonly routes?:
    | Readonly<
        Record<string, { readonly rules: readonly { readonly to: readonly ({ readonly pool: string } | object)[] }[] }>
      >
    | undefined;
}

/** What is configured and has no effect: no fault, and often a name that was changed in one of two places. Of a configuration without problems. */
export function findUnused({ models = {}, pools = {}, routing, routes = {} }: Branches): ConfigProblem[] {
  const entries = Object.values(models);
  const backends = Object.values(routes).flatMap(({ rules }) => rules.flatMap(({ to }) => to));
  const pooled = new Set([...entries, ...backends].flatMap((each) => ("pool" in each ? [each.pool] : [])));
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
        message: `no model is of this pool and no route leads to it, so its servers get no calls: give a model \`pool: ${name}\`, or leave it out`,
      })),
    ...Object.entries(pools).flatMap(([name, pool]) =>
      findIdle(pool).map(([key, message]) => ({ path: ["pools", name, key], message })),
    ),
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

/** Keys of a pool that do nothing beside its others, and why. */
function findIdle({ endpoints, resolve, priority, queue }: PoolConfig): (readonly [keyof PoolConfig, string])[] {
  const idle: (readonly [keyof PoolConfig, string])[] = [];
  if (endpoints !== undefined && resolve !== undefined)
    idle.push([
      "resolve",
      "the pool has `endpoints`, and nothing is resolved: give `dns` instead of them, or leave it out",
    ]);
  if (queue === undefined && priority.length > 0 && priority.every(({ is }) => is >= 0))
    idle.push([
      "priority",
      "no call waits and none is below 0, so it changes nothing: give the pool a `queue`, or leave it out",
    ]);
  return idle;
}
