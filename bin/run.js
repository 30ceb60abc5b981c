#!/usr/bin/env node
// Plain JavaScript for any Node from 18: finds a runtime new enough for the rest and hands over to it.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const NEEDED_MAJOR = 24;

/** The pinned runtime that npm brought as an optional dependency, wherever npm put it. */
function pinnedRuntime() {
  const platform = process.platform === "win32" ? "win" : process.platform;
  const name = `node-${platform}-${process.arch}`;
  try {
    const home = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
    const binary = join(home, "bin", process.platform === "win32" ? "node.exe" : "node");
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}

export async function run(argv) {
  if (Number(process.versions.node.split(".")[0]) >= NEEDED_MAJOR) {
    process.argv.splice(1, process.argv.length - 1, ...argv);
    await import(pathToFileURL(argv[0]).href);
    return;
  }
  const runtime = pinnedRuntime();
  if (runtime === undefined) {
    console.error(
      `sallyport: needs Node ${NEEDED_MAJOR}; this is ${process.version}, and no pinned runtime for ` +
        `${process.platform}-${process.arch} is installed. Run "npm ci" without --omit=optional, or install Node ${NEEDED_MAJOR}.`,
    );
    process.exit(1);
  }
  const child = spawn(runtime, argv, { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await run(process.argv.slice(2));
