import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");

test("the demo passes from start to end and says what happened at each step", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [`${root}/src/main.ts`, "demo"], { timeout: 120_000 });
  expect(stdout.trim().split("\n").at(-1)).toMatch(/^demo: (\d+)\/\1 scenes passed$/);
  expect(stdout).not.toContain("✗");
}, 120_000);
