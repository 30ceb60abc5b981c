import { createAuthz } from "../authz/authz.ts";
import { PolicyError } from "../authz/policy-error.ts";
import { formatProblem } from "../config/config-error.ts";
import { readConfig } from "../config/load.ts";
import { summarize } from "../config/summary.ts";
import { silentLog } from "../core/log.ts";
import { defineCommand } from "./command.ts";

export const checkCommand = defineCommand({
  usage: "FILE",
  args: [1, 1],
  options: {},
  async run({ args: [file = ""], out, err }) {
    const read = readConfig(file);
    if (read.config === undefined) {
      err(read.error.message);
      return 1;
    }
    try {
      await createAuthz({ config: read.config.policies, baseDir: read.config.baseDir, log: silentLog });
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      err(read.redact(error.message));
      return 1;
    }
    for (const warning of read.warnings) err(`warning:\n${formatProblem(warning)}`);
    for (const line of summarize(read.config)) out(read.redact(line));
    return 0;
  },
});
