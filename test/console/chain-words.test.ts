import { expect, test } from "vitest";
import { GrowingChain } from "../../src/console/chain-rows.ts";
import type { JournalRecord } from "../../src/observability/journal-record.ts";

const record = (more: Partial<JournalRecord>) =>
  ({
    timeMs: 1,
    durationMs: 1,
    depth: 0,
    protocol: "llm",
    requestId: "r",
    principal: { id: "p", tenant: "" },
    target: { kind: "model", name: "large", server: "" },
    outcome: "ok",
    ...more,
  }) as JournalRecord;

test("a chain had each of the outcomes of its calls, and its worst is what it is called", () => {
  const chain = new GrowingChain("c");
  for (const outcome of ["ok", "failed", "denied"] as const) chain.add(record({ outcome }));
  expect(chain.outcome).toBe("denied");
  const outcomes = ["ok", "denied", "limited", "failed", "aborted"] as const;
  expect(outcomes.filter((outcome) => chain.had(outcome))).toEqual(["denied", "failed"]);
});

test("a chain is found by the model that answered in place of another", () => {
  const chain = new GrowingChain("c");
  chain.add(record({ candidate: "small" }));
  expect(["large", "small", "other"].filter((words) => chain.says(words))).toEqual(["large", "small"]);
  expect(chain.row.targets).toEqual(["large"]);
});
