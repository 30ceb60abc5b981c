import { z } from "zod";
import { ruleSchema } from "./rule.ts";

const missing =
  "there are no policies, so nobody could do anything: write `policies: ./policies` for a folder of rules, or `policies: open` to let every authenticated caller do everything";
const forms = "a folder or file of rules such as ./policies, a list of them, `open`, or {rules: [...]}";

/** Where the rules are: `open`, a path or several (relative to the configuration file), or the rules themselves. */
export const policiesSchema = z
  .union(
    [
      z.string().min(1),
      z.array(z.string().min(1)).min(1),
      z.strictObject({
        rules: z.array(ruleSchema).min(1).meta({ description: "The rules themselves, in place of files." }),
      }),
    ],
    {
      error: ({ input }) => (input === undefined || input === null ? missing : forms),
    },
  )
  .meta({
    description:
      "Who may do what, in CEL. A folder or files of rules deny by default; `open` lets every authenticated caller do everything.",
    examples: ["./policies", "open"],
  });

export const authzConfig = { policies: policiesSchema };

export type PoliciesConfig = z.output<typeof policiesSchema>;
