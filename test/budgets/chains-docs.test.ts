import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parsePolicyFile } from "../../src/authz/policy-file.ts";
import { runPolicyTests } from "../../src/authz/policy-test.ts";
import { runawayConfig } from "../../src/budgets/runaway/runaway-config.ts";

const page = readFileSync(fileURLToPath(new URL("../../docs/chains.md", import.meta.url)), "utf8");

const policies = [...page.matchAll(/```yaml\n(rules:\n[^]*?)```/g)].map(([, block = ""]) => block);

test("the policies shown pass the tests shown with them", () => {
  const results = policies.map((block) => {
    const file = parsePolicyFile(block, "docs/chains.md");
    expect(file.problems).toEqual([]);
    return runPolicyTests({ ...file, files: [] });
  });
  expect(results).toMatchObject([
    { passed: 3, failures: [] },
    { passed: 5, failures: [] },
  ]);
});

test("the limits shown are those that hold by default", () => {
  const { window, same, similar, failures, spend, polling, lift, delay } = runawayConfig.runaway.parse({});
  expect({ window, same, similar, failures, spend, polling, lift, delay }).toEqual({
    window: 600_000,
    same: { run: 10, principal: 40 },
    similar: 20,
    failures: 8,
    spend: 10,
    polling: 1_000,
    lift: 60_000,
    delay: 5_000,
  });
  for (const shown of ["window: 10m", "same: {run: 10, principal: 40}", "similar: 20", "failures: 8", "spend: 10"])
    expect(page).toContain(shown);
});
