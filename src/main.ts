import { readFileSync } from "node:fs";
import { commands } from "./cli/registry.ts";
import { runCommand } from "./cli/run-command.ts";

/** The version in package.json, which lies one folder up from `src` and two from `dist/src`. */
function readVersion(): string {
  for (const path of ["../package.json", "../../package.json"]) {
    try {
      return (JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as { version: string }).version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return "unknown";
}

/* A reader that has seen enough, such as `head`, is no failure. */
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

/* exitCode, not exit(): output that a pipe has not taken yet would be cut off. */
process.exitCode = await runCommand(commands, readVersion(), process.argv.slice(2), {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
});
