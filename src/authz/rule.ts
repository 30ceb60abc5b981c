import { z } from "zod";
import { protocols } from "../core/operation.ts";

const protocol = z.enum(protocols, { error: `one of ${protocols.join(", ")}` });

/* YAML turns a bare true into a boolean; the rule means the same either way. */
const cel = z
  .union([z.string().min(1), z.boolean().transform(String)], { error: "a CEL expression in quotes, such as 'true'" })
  .meta({ examples: ['"analyst" in principal.groups && mcp.tool.name.startsWith("read_")'] });

/** Names that decisions and reports use for themselves. */
const reservedNames = ["default", "open", "principal"];

/** One policy rule as a person writes it: exactly one of `allow`, `deny` and `require`. */
export const ruleSchema = z
  .strictObject({
    name: z
      .string()
      .trim()
      .min(1)
      .max(400)
      .refine((name) => !reservedNames.includes(name), {
        error: `another name: ${reservedNames.join(", ")} have a meaning of their own`,
      })
      .meta({ description: "Unique; journal, explanations and tests say it." }),
    on: z
      .union([protocol, z.array(protocol).min(1)], { error: `one or a list of ${protocols.join(", ")}` })
      .optional()
      .meta({ description: "The protocols this rule judges; all when absent.", examples: ["mcp", ["a2a", "llm"]] }),
    allow: cel.optional().meta({ description: "Lets an operation pass when true." }),
    deny: cel.optional().meta({ description: "Refuses an operation when true, and when it fails." }),
    require: cel.optional().meta({ description: "Refuses an operation unless true." }),
    scopes: z
      .array(
        z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, {
          error: "an OAuth scope: printable characters without space, quote and backslash",
        }),
      )
      .min(1)
      .optional()
      .meta({
        description: "OAuth scopes the caller must hold; a caller who lacks one is asked to step up.",
        examples: [["files:write"]],
      }),
    mode: z
      .literal("shadow", { error: "shadow, or nothing" })
      .optional()
      .meta({ description: "`shadow` records what the rule would have done and decides nothing." }),
    message: z.string().min(1).max(500).optional().meta({ description: "Shown to a caller whom this rule refuses." }),
  })
  .refine(({ allow, deny, require }) => [allow, deny, require].filter((text) => text !== undefined).length === 1, {
    error: "a rule has exactly one of allow, deny and require",
  });

export type Rule = z.output<typeof ruleSchema>;
