import { z } from "zod";
import { defineKind } from "./define-kind.ts";
import { celText, durationText, SALLYPORT_GROUP, targetRefs, targetRules } from "./own-words.ts";

const limit = z
  .string()
  .max(128)
  .regex(
    /^(\$[0-9]+(\.[0-9]+)?|[0-9]{1,12}(\.[0-9]{1,6})?[kMG]? (tokens?|(in|out)put tokens?|requests?|calls?|concurrent( (calls?|requests?))?))(\/(second|minute|hour|day|week|month|s|sec|min|h|([0-9]{1,6}(ms|sec|s|min|m|h|d))+))?( on [^\s]+)?$/,
    'a limit such as "500k tokens/min", "10k tokens/90s", "$200/day", "200 calls" or "20 concurrent calls"',
  );

const spec = z.strictObject({
  targetRefs: targetRefs.optional().meta({
    description:
      "What it counts, all of one kind. Absent: what callers of its namespace use, whose tenant is its name, and who has no tenant uses of its routes, MCP servers and agents.",
  }),
  limits: z
    .array(limit)
    .min(1)
    .max(16)
    .meta({ description: "What may be used; a call must fit in every one of them." }),
  per: celText.optional().meta({
    description:
      "A counter of its own for each `tenant`, `principal`, `client`, `model`, `tool` or `chain`, or for each value of a CEL expression that gives a string. Absent: one that all share.",
  }),
  where: celText.optional().meta({
    description: "CEL over the caller and the operation: which of these calls it holds for. Absent: all.",
  }),
  soft: z
    .string()
    .max(8)
    .regex(/^[0-9]{1,2}(\.[0-9]+)?%$/, "a share such as 80%")
    .optional()
    .meta({ description: "From this share of any limit on, answers carry a warning header." }),
  mode: z
    .enum(["enforce", "shadow"])
    .default("enforce")
    .meta({ description: "`shadow`: counts and reports, and refuses nothing." }),
  onExhausted: z
    .enum(["reject", "fallback", "queue"])
    .default("reject")
    .meta({ description: "What becomes of a call that does not fit: 429, the next model, or a wait for room." }),
  maxWait: durationText.default("10s").meta({ description: "Longest wait of a call in the queue." }),
  maxWaiting: z.int().min(1).max(10_000).default(100).meta({ description: "Calls that may wait in one process." }),
  onStoreFailure: z
    .enum(["closed", "open"])
    .default("closed")
    .meta({ description: "While the state store cannot answer: calls are refused, or pass uncounted." }),
  unknownPrice: z
    .enum(["deny", "allow"])
    .default("deny")
    .meta({ description: "A model whose price nobody knows, under a limit in dollars: refused, or let through." }),
});
export type BudgetSpec = z.output<typeof spec>;

/** An entry of `budgets`, for a namespace or for what it is attached to. */
export const budget = defineKind<BudgetSpec>({
  group: SALLYPORT_GROUP,
  kind: "Budget",
  plural: "budgets",
  versions: ["v1alpha1"],
  own: {
    description: "What callers may use: tokens, requests, money.",
    shortNames: ["bud"],
    columns: [
      { name: "Limits", jsonPath: ".spec.limits" },
      { name: "Per", jsonPath: ".spec.per" },
    ],
  },
  schema: spec,
  rules: [
    ...targetRules,
    {
      path: "spec.targetRefs",
      message: "the targets of a Budget are all of one kind",
      rule: "self.all(a, a.kind == self[0].kind)",
    },
  ],
});
