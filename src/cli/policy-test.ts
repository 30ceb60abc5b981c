import { loadPolicies } from "../authz/load-policies.ts";
import { PolicyError } from "../authz/policy-error.ts";
import { formatTestReport, runPolicyTests } from "../authz/policy-test.ts";
import { defineCommand } from "./command.ts";

export const policyTestCommand = defineCommand({
  usage: "PATH... [--json]",
  args: [1, 100],
  options: { json: { type: "boolean", description: "print the report as JSON" } },
  run({ args, options, out, err }) {
    try {
      const policies = loadPolicies([...args], process.cwd());
      const report = runPolicyTests(policies);
      if (options.json) out(JSON.stringify(report, null, 2));
      else for (const line of formatTestReport(report)) out(line);
      if (policies.tests.length === 0) err("sallyport: these policies have no tests");
      return report.failures.length === 0 ? 0 : 1;
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      if (options.json) out(JSON.stringify({ problems: error.problems }, null, 2));
      else err(error.message);
      return 1;
    }
  },
});
