import { configName } from "../core/config-name.ts";
import { z } from "zod";
import type { ConfigProblem } from "../core/config-problem.ts";
import { durationMs } from "../core/units.ts";
import { ExpressionError } from "../cel/expression-error.ts";
import { compileForProtocols } from "../cel/compile-for-protocols.ts";
import { runawayConfig } from "./runaway/runaway-config.ts";
import { taintConfig } from "./chains/taint-config.ts";
import { counterNameOf, type Limit, LIMIT_FORMS, parseLimit } from "./limit.ts";

const limit = z
  .string({ error: LIMIT_FORMS })
  .transform((text, context): Limit => {
    const parsed = parseLimit(text);
    if (typeof parsed !== "string") return parsed;
    context.addIssue({ code: "custom", message: parsed });
    return z.NEVER;
  })
  .meta({
    description: LIMIT_FORMS,
    examples: ["500k tokens/min on llama", "$200/day", "200 calls", "20 concurrent calls"],
  });

/** What `per` knows by a word. */
export const perWords = ["tenant", "principal", "client", "model", "tool", "chain"] as const;
export type PerWord = (typeof perWords)[number];

/** CEL, tried at load. */
const expression = (result: "bool" | "string", words: readonly string[] = []) =>
  z
    .string()
    .min(1)
    .superRefine((source, context) => {
      if (words.includes(source)) return;
      try {
        compileForProtocols(source, result);
      } catch (error) {
        if (!(error instanceof ExpressionError)) throw error;
        context.addIssue({ code: "custom", message: error.message });
      }
    });

const share = z
  .string({ error: "a share such as 80%" })
  .regex(/^\d{1,2}(?:\.\d+)?%$/, "a share such as 80%")
  .transform((text) => Number(text.slice(0, -1)) / 100);

const budget = z
  .strictObject({
    name: configName.meta({
      description: "Callers, reports and `budget.remaining` know it by this name.",
      examples: ["team-a"],
    }),
    where: expression("bool")
      .optional()
      .meta({
        description:
          "CEL over the caller and the operation: which calls it holds for. Left out: all. An error in it refuses the call.",
        examples: ['principal.tenant == "team-a"'],
      }),
    per: expression("string", perWords)
      .optional()
      .meta({
        description:
          "A counter of its own for each `tenant`, `principal`, `client`, `model`, `tool` or `chain`, or for each value of a CEL expression that gives a string. Left out: one counter that all share.",
        examples: ["principal", "chain", "principal.claims.project"],
      }),
    limits: z
      .array(limit)
      .min(1)
      .max(16)
      .superRefine((limits, context) => {
        const names = limits.map(counterNameOf);
        for (const [index, name] of names.entries()) {
          if (names.indexOf(name) === index) continue;
          context.addIssue({
            code: "custom",
            path: [index],
            message: "this thing is limited above for the same window; keep the tighter of the two",
          });
        }
      })
      .meta({
        description: "What may be used; a call must fit in every one of them.",
        examples: [["500k tokens/min on llama", "$200/day"]],
      }),
    soft: share.optional().meta({
      description: "From this share of any limit on, answers carry a warning header and the log says so once a window.",
      examples: ["80%"],
    }),
    mode: z
      .enum(["enforce", "shadow"])
      .default("enforce")
      .meta({ description: "`shadow`: counts and reports, and refuses nothing.", examples: ["shadow"] }),
    onExhausted: z
      .enum(["reject", "fallback", "queue"])
      .default("reject")
      .meta({
        description:
          "`reject`: 429. `fallback`: the next candidate of the model is tried, and 429 when there is none. `queue`: the call waits for room, then 429.",
        examples: ["fallback"],
      }),
    maxWait: durationMs()
      .default(10_000)
      .meta({ description: "Longest wait of a call in the queue.", examples: ["10s"] }),
    maxWaiting: z
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .meta({ description: "Calls that may wait in this process; one more is refused at once.", examples: [100] }),
    onStoreFailure: z
      .enum(["closed", "open"])
      .default("closed")
      .meta({
        description:
          "What happens while the state store cannot answer: `closed` refuses the call, `open` lets it pass uncounted.",
        examples: ["closed"],
      }),
    unknownPrice: z
      .enum(["deny", "allow"])
      .default("deny")
      .meta({
        description:
          "A model whose price nobody knows, under a limit in dollars: refused, or let through without being charged and counted as unpriced.",
        examples: ["deny"],
      }),
  })
  .meta({ description: "One budget." });

export const budgetsConfig = {
  ...runawayConfig,
  ...taintConfig,
  budgets: z
    .array(budget)
    .default([])
    .meta({
      description: "What callers may use. A call is reserved in all budgets that hold for it, or refused.",
      examples: [
        [
          {
            name: "team-a",
            where: 'principal.tenant == "team-a"',
            limits: ["500k tokens/min on llama", "$200/day"],
            onExhausted: "fallback",
          },
          { name: "one-request", per: "chain", limits: ["$5", "200 calls"] },
        ],
      ],
    }),
};

export type BudgetConfig = z.output<typeof budget>;

type Named = Readonly<Record<string, unknown>>;

interface Checked {
  readonly budgets: readonly BudgetConfig[];
  readonly models?: Named | undefined;
  readonly a2a?: { readonly agents: Named } | undefined;
  readonly mcp?: { readonly servers: Named } | undefined;
  readonly routes?:
    | Readonly<Record<string, { readonly rules: readonly { readonly to: readonly object[] }[] }>>
    | undefined;
}

const isChoice = (model: unknown): boolean => typeof model === "object" && model !== null && "choose" in model;

/** Names that must be one of a kind, and limits on what is not there: nothing would ever count in them. */
export function checkBudgets({ budgets, models = {}, a2a, mcp, routes = {} }: Checked): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const servers = Object.keys(mcp?.servers ?? {});
  /* What is called in the end, and has a price. */
  const served = Object.entries(models).flatMap(([name, entry]) => (isChoice(entry) ? [] : [name]));
  const others = new Set([...Object.keys(a2a?.agents ?? {}), ...servers]);
  /* Which tools a server has is known when it is asked: a bare name may be one as soon as there is a server. */
  const mayBe = (on: string): boolean =>
    others.has(on) || (on.includes("/") ? servers.some((name) => on.startsWith(`${name}/`)) : servers.length > 0);
  /* There callers name models that no entry need have. */
  const leadsToPools = Object.values(routes).some(({ rules }) =>
    rules.some(({ to }) => to.some((each) => "pool" in each)),
  );
  for (const [index, { name, limits }] of budgets.entries()) {
    if (budgets.findIndex((other) => other.name === name) !== index)
      problems.push({ path: ["budgets", index, "name"], message: "another budget has this name; names are unique" });
    for (const [at, { thing, on }] of limits.entries()) {
      if (on === undefined || served.includes(on)) continue;
      const path = ["budgets", index, "limits", at];
      if (Object.hasOwn(models, on)) {
        problems.push({ path, message: `${on} is a choice between models: name those it chooses from` });
        continue;
      }
      if (leadsToPools) continue;
      const known = served.join(", ") || "none";
      if (thing.endsWith("tokens"))
        problems.push({ path, message: `only models use tokens, and \`models\` has no ${on}; there is ${known}` });
      else if (!mayBe(on))
        problems.push({
          path,
          message: `no model, agent, MCP server or tool of one is called ${on}; models: ${known}`,
        });
    }
  }
  return problems;
}
