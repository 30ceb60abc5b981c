import { readConfig } from "../config/load.ts";
import { summarize } from "../config/summary.ts";
import { defineCommand } from "./command.ts";

export const checkCommand = defineCommand({
  name: "check",
  summary: "say what a configuration file means, or everything that is wrong with it",
  usage: "FILE",
  args: [1, 1],
  options: {},
  run({ args: [file = ""], out, err }) {
    const read = readConfig(file);
    if (read.config === undefined) {
      err(read.error.message);
      return 1;
    }
    for (const line of summarize(read.config)) out(read.redact(line));
    return 0;
  },
});
