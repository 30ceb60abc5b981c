import { expect, test } from "vitest";
import { describeChain } from "../../src/cli/describe-chain.ts";
import type { JournalRecord } from "../../src/observability/journal-record.ts";
import { toChainTree } from "../../src/observability/journal-tree.ts";

const allowed = { allow: true, rule: "all" } as const;
let made = 0;
const record = (more: Partial<JournalRecord>): JournalRecord => ({
  id: String(made),
  operationId: "o",
  timeMs: made++,
  requestId: "c",
  chainId: "c",
  depth: 0,
  route: "/v1",
  protocol: "llm",
  method: "chat.completions",
  direction: "to-target",
  mode: "call",
  principal: { id: "issuer#ann", tenant: "", client: "app", actors: [] },
  target: { kind: "model", name: "gpt-4o", server: "openai" },
  decision: allowed,
  policyHash: "",
  outcome: "ok",
  durationMs: 1_500,
  costNanos: 0,
  ...more,
});

const show = (records: readonly JournalRecord[], more: object = {}) =>
  describeChain({ ...toChainTree(records)!, complete: true, ...more });

test("a chain says who answered in whose place, what was noted, and where its cost is not the whole", () => {
  const failed = [{ name: "gpt-4o", reason: "rate_limited" }] as const;
  const answered = record({ candidate: "mini", failed, costNanos: 2_500_000, notes: ["runaway, warned: again"] });
  const { costNanos: _, ...unpriced } = record({ target: { kind: "model", name: "llama", server: "vllm" } });
  const lines = show([answered, unpriced, record({ outcome: "failed", kind: "upstream_unavailable", failed })], {
    complete: false,
    taintedBy: "tool notes/read",
  });
  expect(lines).toEqual([
    "chain c, begun by issuer#ann: 3 operations in 1.5 s",
    "older records are left out",
    "tainted by tool notes/read",
    "> $0.0025  in all",
    "  $0.0025  llm chat.completions gpt-4o, answered by mini, not gpt-4o: rate_limited, 1.5 s",
    "             runaway, warned: again",
    "        ?  llm chat.completions llama, 1.5 s",
    "        -  llm chat.completions gpt-4o, failed: upstream_unavailable, tried gpt-4o: rate_limited, 1.5 s",
  ]);
});
