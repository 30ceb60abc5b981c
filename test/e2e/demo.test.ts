import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");

test("the demo passes from start to end and says what happened at each step", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [`${root}/src/main.ts`, "demo"], { timeout: 120_000 });
  expect(stdout.trim().split("\n").at(-1)).toMatch(/^demo: (\d+)\/\1 scenes passed$/);
  expect(stdout).not.toContain("✗");
  for (const shown of [
    /POST \/v1\/messages for gpt-4o, streamed → message_start, .* message_stop/,
    /the provider gets: Write to \[EMAIL_\w+\] or call \[PHONE_\w+\]; her card is \[CARD_\w+\]\./,
    /the caller reads: .*ada@example\.com/,
    /to a model, as it is → 403 .*Rejected: Security policy violation\./,
    /retry-after: \d+, retry-after-ms: \d+, x-ratelimit-remaining-tokens: \d+/,
    /→ 200, x-sallyport-model: small, x-sallyport-fallback: budget_exhausted/,
    /How do I reset my password\? → sallyport; hit; ttl=\d+/,
    /How do I reset my PIN\? → sallyport; fwd=miss; stored/,
    /What time is it in Rome .* → small \(otherwise, complexity=0\.\d+\)/,
    /Prove that .* → gpt-4o \(rule=1, complexity=0\.\d+\)/,
    /which is already at it \(planner → reviewer → planner\)/,
    /it cost \$0\.\d+ in \d+\.\d s; 60 hours of a weekend at this pace would have cost \$\d+/,
  ])
    expect(stdout).toMatch(shown);
}, 120_000);
