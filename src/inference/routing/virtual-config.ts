import { z } from "zod";
import type { Meanings } from "../../cel/vet.ts";
import { ExpressionError } from "../../cel/expression-error.ts";
import type { ConfigProblem } from "../../core/config-problem.ts";
import { nearest } from "../../core/nearest.ts";
import { compileChoice } from "./choice.ts";
import { findMissingModels, type RoutingConfig, toMeanings } from "./meaning/meaning-config.ts";

const use = (what: string, example: string) =>
  z
    .string()
    .min(1)
    .meta({ description: `${what}: an entry of \`models\` that a provider or a pool serves.`, examples: [example] });

const choice = z.strictObject({
  when: z
    .string()
    .min(1)
    .meta({
      description:
        "CEL over `llm`, `principal` and `request`: whether this model is chosen. The first that is true counts; one that fails does not.",
      examples: ["llm.complexity > 0.6"],
    }),
  use: use("Who is asked then", "gpt-4o"),
});

/** An entry of `models` that is no model, but a choice between others by what is asked. */
export const virtualModel = z
  .strictObject({
    choose: z
      .array(choice)
      .min(1)
      .max(32)
      .meta({
        description: "Rules, asked in this order.",
        examples: [[{ when: "llm.complexity > 0.6", use: "gpt-4o" }]],
      }),
    otherwise: use("Who is asked when no rule holds, and steps in when the chosen one cannot answer", "llama"),
    mode: z
      .literal("shadow", { error: "shadow, or nothing" })
      .optional()
      .meta({ description: "`shadow` records what would have been chosen, and asks `otherwise`." }),
  })
  .meta({ description: "A choice between models by what is asked." });

export type VirtualConfig = z.output<typeof virtualModel>;

/** What is read here of an entry of `models`. */
type Entry = VirtualConfig | { readonly choose?: undefined; readonly fallback?: readonly string[] | undefined };

export const isVirtual = <T extends object>(entry: T): entry is T & VirtualConfig => "choose" in entry;

interface Checked {
  readonly models?: Readonly<Record<string, Entry>> | undefined;
  readonly routing?: RoutingConfig | undefined;
}

/** Choices that cannot be made: expressions that are wrong, and models that are not there or are choices themselves. */
export function findWrongChoices({ models = {}, routing }: Checked): ConfigProblem[] {
  const served = Object.keys(models).filter((name) => !isVirtual(models[name]!));
  const problems = [...findMissingModels(routing, served)];
  const meanings = toMeanings(routing);
  for (const [name, entry] of Object.entries(models)) {
    if (!isVirtual(entry)) continue;
    const check = (path: ConfigProblem["path"], used: string) => {
      const message = wrongWith(used, models, served);
      if (message !== undefined) problems.push({ path: ["models", name, ...path], message });
    };
    for (const [index, { when, use: used }] of entry.choose.entries()) {
      const message = wrongExpression(when, meanings);
      if (message !== undefined) problems.push({ path: ["models", name, "choose", index, "when"], message });
      check(["choose", index, "use"], used);
    }
    check(["otherwise"], entry.otherwise);
  }
  return problems;
}

function wrongWith(
  used: string,
  models: Readonly<Record<string, Entry>>,
  served: readonly string[],
): string | undefined {
  if (served.includes(used)) return undefined;
  if (Object.hasOwn(models, used))
    return "a choice cannot choose a choice: name a model that a provider or a pool serves";
  const near = nearest(used, served);
  return `no such entry in \`models\`${near === undefined ? "" : `; did you mean ${near}?`}`;
}

function wrongExpression(when: string, meanings: Meanings): string | undefined {
  try {
    compileChoice(when, meanings);
    return undefined;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return `${error.line}:${error.column}: ${error.message}`;
  }
}
