import { expect, test } from "vitest";
import type { JournalRecord } from "../../src/observability/journal-record.ts";
import { toChainTree, type TreeNode } from "../../src/observability/journal-tree.ts";

const record = (timeMs: number, name: string, path: readonly string[] = [], more: Partial<JournalRecord> = {}) =>
  ({
    id: `r${timeMs}`,
    timeMs,
    durationMs: 5,
    chainId: "c",
    depth: path.length,
    protocol: "mcp",
    method: "tools/call",
    outcome: "ok",
    principal: { id: "ann" },
    target: { kind: "tool", name, server: "s" },
    ...(path.length > 0 && { path }),
    ...more,
  }) as JournalRecord;
const handoff = (timeMs: number, agent: string, path: readonly string[] = []) =>
  record(timeMs, agent, path, {
    protocol: "a2a",
    method: "SendMessage",
    target: { kind: "agent", name: agent, server: agent },
  });
const model = (timeMs: number, path: readonly string[], costNanos?: number) =>
  record(timeMs, "small", path, { protocol: "llm", ...(costNanos !== undefined && { costNanos }) });

const shape = ({ record: { target }, costNanos, children }: TreeNode): unknown =>
  children.length === 0 ? `${target.name} ${costNanos}` : { [`${target.name} ${costNanos}`]: children.map(shape) };

test("what an agent did hangs below the hand-off that set it to work, and cost is summed at the root", () => {
  const tree = toChainTree(
    [
      handoff(1, "researcher"),
      record(2, "read_note", ["researcher"]),
      model(3, ["researcher"], 100),
      handoff(4, "writer", ["researcher"]),
      model(5, ["researcher", "writer"], 20),
      model(9, [], 3),
      /* The same agent once more: what follows is for this one. */
      handoff(10, "researcher"),
      model(11, ["researcher"], 1_000),
    ].toReversed(),
  );
  expect(tree?.children.map(shape)).toEqual([
    { "researcher 120": ["read_note 0", "small 100", { "writer 20": ["small 20"] }] },
    "small 3",
    { "researcher 1000": ["small 1000"] },
  ]);
  expect(tree).toMatchObject({
    chainId: "c",
    root: "ann",
    operations: 8,
    beganAtMs: 1,
    endedAtMs: 16,
    costNanos: 1_123,
    costIsPartial: false,
  });
});

test("a sum in which the price of a model is missing says so, up to the root", () => {
  const tree = toChainTree([handoff(1, "writer"), model(2, ["writer"]), model(3, ["writer"], 7)]);
  expect(tree).toMatchObject({ costNanos: 7, costIsPartial: true, children: [{ costIsPartial: true }] });
});

test("what is below a hand-off that is not on record is at the top, and no records make no tree", () => {
  expect(toChainTree([model(2, ["writer"], 7)])).toMatchObject({ root: undefined, costNanos: 7, children: [{}] });
  expect(toChainTree([])).toBeUndefined();
});
