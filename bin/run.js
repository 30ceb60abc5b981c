#!/usr/bin/env node
// Plain JavaScript for any Node from 18: runs a script under a runtime new enough for it, as `node SCRIPT ARGS…` would.
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { createRequire, Module } from "node:module";
import { Socket } from "node:net";
import { constants } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const NEEDED_MAJOR = 24;
const PARENT = "SALLYPORT_LAUNCHER";
const LEASH_FD = 3;

/** The pinned runtime that npm brought as an optional dependency, wherever npm put it. */
function pinnedRuntime() {
  const platform = process.platform === "win32" ? "win" : process.platform;
  try {
    const home = dirname(createRequire(import.meta.url).resolve(`node-${platform}-${process.arch}/package.json`));
    const binary = join(home, "bin", process.platform === "win32" ? "node.exe" : "node");
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}

function explainMissing() {
  const here = `${process.platform}-${process.arch}`;
  const pinned = ["linux-x64", "linux-arm64", "win32-x64"].includes(here);
  const fix = pinned
    ? 'Run "npm ci" without --omit=optional: it brings one.'
    : `Install Node ${NEEDED_MAJOR} (https://nodejs.org${process.platform === "darwin" ? ', or "brew install node@24"' : ""}); npm brings none for ${here}.`;
  console.error(`sallyport: needs Node ${NEEDED_MAJOR} or newer, and this is Node ${process.versions.node}. ${fix}`);
}

/* The launcher holds the other end of this pipe. When it is killed without a chance to pass that on, this process must not stay
   behind and keep its port. */
function dieWithLauncher() {
  const parent = process.env[PARENT];
  delete process.env[PARENT];
  if (parent !== String(process.ppid)) return;
  const leash = new Socket({ fd: LEASH_FD, readable: true, writable: false });
  const die = () => process.kill(process.pid, "SIGKILL");
  leash.on("end", die).on("error", die).resume();
  leash.unref();
}

function runHere([script, ...args]) {
  dieWithLauncher();
  process.argv.splice(1, process.argv.length - 1, resolve(script), ...args);
  /* Not import(): the script is the main module, to itself as well. */
  Module.runMain();
}

function runUnder(runtime, argv) {
  const child = spawn(runtime, [...process.execArgv, fileURLToPath(import.meta.url), ...argv], {
    stdio: ["inherit", "inherit", "inherit", "pipe"],
    env: { ...process.env, [PARENT]: String(process.pid) },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      /* A terminal sends Ctrl-C to the child as well; a second one would cut its orderly end short. */
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on("error", (error) => {
    console.error(`sallyport: ${runtime} does not start: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

/** Runs `argv[0]`, a script, with the rest as its arguments. */
export function run(argv) {
  if (argv.length === 0) {
    console.error("usage: node bin/run.js SCRIPT [ARGS…]");
    process.exit(2);
  }
  if (Number.parseInt(process.versions.node, 10) >= NEEDED_MAJOR) return runHere(argv);
  const runtime = pinnedRuntime();
  if (runtime !== undefined) return runUnder(runtime, argv);
  explainMissing();
  process.exit(1);
}

function wasStartedItself() {
  try {
    return realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
  } catch {
    return false;
  }
}

/* `sallyport.js` imports this file and calls `run` with other arguments. */
if (wasStartedItself()) run(process.argv.slice(2));
