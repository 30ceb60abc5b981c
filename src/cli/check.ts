import { createAuthz } from "../authz/authz.ts";
import { PolicyError } from "../authz/policy-error.ts";
import { compileExpression } from "../cel/expression.ts";
import { ExpressionError } from "../cel/expression-error.ts";
import { readConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { summarize } from "../config/summary.ts";
import { silentLog } from "../core/log.ts";
import { defineCommand } from "./command.ts";

/** What is wrong with the policies and expressions that the configuration names, which only CEL can tell. */
async function expressionProblems({ policies, tenant, baseDir }: Config): Promise<string[]> {
  const found: string[] = [];
  try {
    if (tenant !== undefined) compileExpression(tenant, { variables: ["principal"], result: "string" });
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    found.push(`tenant: ${error.message}`);
  }
  try {
    await createAuthz({ config: policies, baseDir, log: silentLog });
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    found.push(error.message);
  }
  return found;
}

export const checkCommand = defineCommand({
  name: "check",
  summary: "say what a configuration file means, or everything that is wrong with it",
  usage: "FILE",
  args: [1, 1],
  options: {},
  async run({ args: [file = ""], out, err }) {
    const read = readConfig(file);
    if (read.config === undefined) {
      err(read.error.message);
      return 1;
    }
    const problems = await expressionProblems(read.config);
    for (const problem of problems) err(read.redact(problem));
    if (problems.length > 0) return 1;
    for (const line of summarize(read.config)) out(read.redact(line));
    return 0;
  },
});
