import { createAuthz } from "../authz/authz.ts";
import { PolicyError } from "../authz/policy-error.ts";
import { formatProblem } from "../config/config-error.ts";
import { readConfig } from "../config/load.ts";
import { summarize } from "../config/summary.ts";
import { silentLog } from "../core/log.ts";
import { describeRoutes } from "../k8s/describe-routes.ts";
import { formatManifestProblem } from "../k8s/read-manifests.ts";
import { defineCommand, UsageError } from "./command.ts";
import { folderOf, manifestOptions } from "./manifest-options.ts";

export const checkCommand = defineCommand({
  usage: "FILE | --manifests DIR [--config FILE] [--backend NAME.NAMESPACE=URL …]",
  args: [0, 1],
  options: {
    ...manifestOptions,
    config: { type: "string", short: "c", value: "FILE", description: "with --manifests: what they are added to" },
  },
  async run({ args: [file], options, out, err }) {
    const folder = folderOf(options);
    if (folder === undefined ? file === undefined : file !== undefined)
      throw new UsageError("give either FILE or --manifests DIR");
    const built = folder?.build();
    const read = built?.read ?? readConfig(file);
    for (const warning of built?.translation.warnings ?? []) err(`warning: ${formatManifestProblem(warning)}`);
    if (built !== undefined && built.passedOver.length > 0) err(`note: ${describePassedOver(built.passedOver)}`);
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
    if (built !== undefined) for (const line of describeRoutes(read.config)) out(line);
    return 0;
  },
});

const SHOWN_NAMES = 5;

function describePassedOver(files: readonly string[]): string {
  const more = files.length - SHOWN_NAMES;
  const names = files.slice(0, SHOWN_NAMES).join(", ");
  return `passed over, as names of manifests end in .yaml, .yml or .json: ${names}${more > 0 ? ` and ${more} more` : ""}`;
}
