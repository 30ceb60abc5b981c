import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkout } from "../../src/cli/quickstart-place.ts";

const run = promisify(execFile);
const folder = realpathSync(mkdtempSync(join(tmpdir(), "sallyport-compiled-")));
const sallyport = (...args: readonly string[]) =>
  run(process.execPath, [join(folder, "bin/sallyport.js"), ...args], { cwd: folder });

/** A folder as an image has it: what `npm run build` makes, and no sources of the program. */
beforeAll(async () => {
  const tsc = join(checkout, "node_modules/typescript/bin/tsc");
  await run(process.execPath, [tsc, "-p", join(checkout, "tsconfig.build.json"), "--outDir", join(folder, "dist")]);
  await run(process.execPath, [join(checkout, "scripts/copy-pages.ts"), join(folder, "dist")]);
  symlinkSync(join(checkout, "node_modules"), join(folder, "node_modules"));
  for (const name of ["bin", "package.json"]) cpSync(join(checkout, name), join(folder, name), { recursive: true });
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

const samples = ["sallyport.quickstart.yaml", "sallyport.demo.yaml", "policies", "tools", "agents", "models"];

test("the compiled program tells its version, and refuses the quickstart in one line where its samples are not", async () => {
  expect((await sallyport("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  mkdirSync(join(folder, "tools"));
  try {
    await expect(sallyport("serve", "--quickstart")).rejects.toMatchObject({
      code: 1,
      stdout: "",
      stderr: `sallyport: the quickstart needs sallyport.quickstart.yaml, policies, agents, models, which ${folder} does not have: run it in a checkout, or give a configuration of your own with --config FILE\n`,
    });
  } finally {
    rmSync(join(folder, "tools"), { recursive: true });
  }
}, 30_000);

test("the compiled program runs the quickstart where its samples are: the demo passes", async () => {
  for (const name of samples) cpSync(join(checkout, name), join(folder, name), { recursive: true });
  const { stdout } = await sallyport("demo");
  expect(stdout).toMatch(/\ndemo: (\d+)\/\1 scenes passed\n$/);
}, 120_000);
