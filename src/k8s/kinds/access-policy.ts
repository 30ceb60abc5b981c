import { z } from "zod";
import { defineKind } from "./define-kind.ts";
import { celText, SALLYPORT_GROUP, targetRefs, targetRules } from "./own-words.ts";

const rule = z.strictObject({
  name: z.string().min(1).max(63).meta({ description: "Unique in the policy; journal and explanations say it." }),
  on: z
    .array(z.enum(["mcp", "a2a", "llm", "http"]))
    .min(1)
    .max(4)
    .optional()
    .meta({ description: "The protocols this rule judges; those of the targets when absent." }),
  allow: celText.optional().meta({ description: "Lets an operation pass when true." }),
  deny: celText.optional().meta({ description: "Refuses an operation when true, and when it fails." }),
  require: celText.optional().meta({ description: "Refuses an operation unless true." }),
  scopes: z
    .array(
      z
        .string()
        .min(1)
        .max(128)
        .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, "an OAuth scope"),
    )
    .min(1)
    .max(16)
    .optional()
    .meta({ description: "OAuth scopes the caller must hold; a caller who lacks one is asked to step up." }),
  mode: z
    .enum(["enforce", "shadow"])
    .default("enforce")
    .meta({ description: "`shadow` records what the rule would have done and decides nothing." }),
  message: z.string().min(1).max(500).optional().meta({ description: "Shown to a caller whom this rule refuses." }),
});
export type AccessRuleSpec = z.output<typeof rule>;

const spec = z.strictObject({
  targetRefs: targetRefs.optional().meta({
    description: "What it is for. Absent: every route, MCP server and agent of its namespace.",
  }),
  rules: z.array(rule).min(1).max(32).meta({
    description: "What it is for is denied unless one of them allows it, none denies it and each require holds.",
  }),
});
export type AccessPolicySpec = z.output<typeof spec>;

/** Rules of `policies`, for what they are attached to. */
export const accessPolicy = defineKind<AccessPolicySpec>({
  group: SALLYPORT_GROUP,
  kind: "AccessPolicy",
  plural: "accesspolicies",
  versions: ["v1alpha1"],
  own: {
    description: "Who may do what, in CEL, with what the policy is attached to.",
    shortNames: ["apol"],
    columns: [],
  },
  schema: spec,
  rules: [
    ...targetRules,
    {
      path: "spec.rules",
      message: "another rule has this name; names are unique",
      rule: "self.all(a, self.exists_one(b, a.name == b.name))",
    },
    {
      path: "spec.rules[]",
      message: "a rule has exactly one of allow, deny and require",
      rule: "[has(self.allow), has(self.deny), has(self.require)].exists_one(x, x)",
    },
  ],
});
