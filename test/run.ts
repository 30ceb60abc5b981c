import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { findChromium, howToGetChromium } from "./console/browser/find-chromium.ts";

/** A program the tests run that npm cannot bring, and the Debian package that has it. */
interface Need {
  readonly program: string;
  /** What makes it say its version and end well. */
  readonly probe: string;
  readonly packageName: string;
  readonly why: string;
}

const needs: readonly Need[] = [
  {
    program: "redis-server",
    probe: "--version",
    packageName: "redis-server",
    why: "the store's contract suite runs on a real Redis",
  },
  { program: "openssl", probe: "version", packageName: "openssl", why: "the tests of TLS make their own certificates" },
];

const INSTALL_LIMIT_MS = 240_000;

const canRun = (program: string, ...args: string[]) => spawnSync(program, args, { stdio: "ignore" }).status === 0;

/** apt-get with what keeps it from asking questions and from starting the service it installs. */
function aptGet(...args: string[]): boolean {
  const { status } = spawnSync("apt-get", ["-qq", ...args], {
    stdio: "ignore",
    timeout: INSTALL_LIMIT_MS,
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
  });
  return status === 0;
}

function install({ packageName }: Pick<Need, "packageName">): void {
  if (process.getuid?.() !== 0 || !canRun("apt-get", "--version")) return;
  console.log(`installing ${packageName}, which the tests need`);
  const wanted = ["install", "-y", "--no-install-recommends", packageName];
  if (!aptGet(...wanted) && aptGet("update")) aptGet(...wanted);
}

for (const need of needs) {
  if (canRun(need.program, need.probe)) continue;
  install(need);
  if (canRun(need.program, need.probe)) continue;
  console.error(`The tests need ${need.program} (${need.why}). Install it and run them again:`);
  console.error(`  sudo apt-get install -y ${need.packageName}`);
  process.exit(1);
}

const chromium = findChromium() ?? (install({ packageName: "chromium" }), findChromium());
if (chromium === undefined)
  console.error(
    `There is no Chromium here: what the console does in a browser is NOT tested. To test it: ${howToGetChromium}`,
  );

const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const child = spawn(process.execPath, [vitest, "run", ...process.argv.slice(2)], {
  stdio: "inherit",
  cwd: fileURLToPath(new URL("../", import.meta.url)),
  env: { ...process.env, ...(chromium !== undefined && { CHROME_PATH: chromium }) },
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
