import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { generatedFiles } from "./generated.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

interface Result {
  readonly passed: boolean;
  /** What to show when it failed. */
  readonly output: string;
}

/** Runs a tool of node_modules under this runtime. */
function tool(script: string, ...args: string[]): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [`${root}node_modules/${script}`, ...args], {
      cwd: root,
      env: { ...process.env, NO_COLOR: "1" },
    });
    let output = "";
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", (error) => resolve({ passed: false, output: error.message }));
    child.on("close", (code) => resolve({ passed: code === 0, output }));
  });
}

function checkGenerated(): Result {
  const stale = [...generatedFiles()].filter(([path, text]) => {
    try {
      return readFileSync(`${root}${path}`, "utf8") !== text;
    } catch {
      return true;
    }
  });
  return { passed: stale.length === 0, output: `${stale.map(([path]) => path).join(", ")}: run npm run generate\n` };
}

const checks: readonly (readonly [name: string, run: () => Result | Promise<Result>])[] = [
  ["types", () => tool("typescript/bin/tsc", "--noEmit", "-p", "tsconfig.json")],
  ["types of the console's pages", () => tool("typescript/bin/tsc", "--noEmit", "-p", "src/console/app/tsconfig.json")],
  ["lint", () => tool("oxlint/bin/oxlint", "--type-aware", "--deny-warnings")],
  ["format (npm run format)", () => tool("oxfmt/bin/oxfmt", "--check", ".")],
  ["dead code", () => tool("knip/bin/knip.js", "--no-progress", "--no-config-hints")],
  [
    "architecture and repository",
    () => tool("vitest/vitest.mjs", "run", "test/architecture.test.ts", "test/repository.test.ts"),
  ],
  ["generated files (npm run generate)", checkGenerated],
];

let failures = 0;
for (const [name, run] of checks) {
  const started = performance.now();
  const { passed, output } = await run();
  console.log(`${passed ? "ok  " : "FAIL"}  ${name}  ${((performance.now() - started) / 1000).toFixed(1)} s`);
  if (passed) continue;
  failures += 1;
  console.log(output.trimEnd());
}
console.log(`check: ${checks.length - failures}/${checks.length} passed`);
process.exitCode = failures === 0 ? 0 : 1;
