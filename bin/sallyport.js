#!/usr/bin/env node
// The `sallyport` command: runs the sources in a checkout, the compiled files where only those exist.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { run } from "./run.js";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const source = here("../src/main.ts");
run([existsSync(source) ? source : here("../dist/src/main.js"), ...process.argv.slice(2)]);
