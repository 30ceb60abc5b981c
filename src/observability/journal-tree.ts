import type { JournalRecord } from "./journal-record.ts";

/** One operation of a chain, and those that it set off. */
export interface TreeNode {
  readonly record: JournalRecord;
  /** Of this operation and all below it, in nano-dollars. */
  readonly costNanos: number;
  /** Whether the cost of an operation in it is unknown: the sum is then too low. */
  readonly costIsPartial: boolean;
  /** Oldest first. */
  readonly children: readonly TreeNode[];
}

/** A whole chain as one tree. */
export interface ChainTree {
  readonly chainId: string;
  /** The principal that began it; undefined where its first records are gone. */
  readonly root: string | undefined;
  readonly operations: number;
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  readonly costNanos: number;
  readonly costIsPartial: boolean;
  /** What the root request did, and everything whose hand-off is not on record. */
  readonly children: readonly TreeNode[];
}

interface Growing {
  readonly record: JournalRecord;
  readonly children: Growing[];
}

/* A model's call that was carried out costs something, whether or not somebody knows what. */
const isUnpriced = ({ protocol, outcome, costNanos }: JournalRecord): boolean =>
  protocol === "llm" && outcome === "ok" && costNanos === undefined;

const handing = new Set(["SendMessage", "SendStreamingMessage"]);

/**
 * Puts the records of one chain into a tree: what an agent did hangs below the hand-off that set it to work, the last one to it before
 * (an agent that works on two hand-offs of one chain at a time does not say which of them a call is for). Undefined without records.
 */
export function toChainTree(records: readonly JournalRecord[]): ChainTree | undefined {
  const sorted = records.toSorted((some, other) => some.timeMs - other.timeMs || (some.id < other.id ? -1 : 1));
  const [first] = sorted;
  if (first === undefined) return undefined;
  const top: Growing[] = [];
  /* By the way that the agent's own calls have come. */
  const handedOn = new Map<string, Growing>();
  for (const record of sorted) {
    const node: Growing = { record, children: [] };
    const path = record.path ?? [];
    (handedOn.get(wayOf(path))?.children ?? top).push(node);
    if (handing.has(record.method) && record.protocol === "a2a")
      handedOn.set(wayOf([...path, record.target.server]), node);
  }
  const children = top.map(toNode);
  return {
    chainId: first.chainId,
    root: sorted.find(({ depth }) => depth === 0)?.principal.id,
    operations: sorted.length,
    beganAtMs: first.timeMs,
    endedAtMs: sorted.reduce((latest, { timeMs, durationMs }) => Math.max(latest, timeMs + durationMs), 0),
    ...sumOf(children),
    children,
  };
}

const wayOf = (path: readonly string[]): string => path.join(" ");

function toNode({ record, children }: Growing): TreeNode {
  const below = children.map(toNode);
  const sum = sumOf(below);
  return {
    record,
    costNanos: sum.costNanos + (record.costNanos ?? 0),
    costIsPartial: sum.costIsPartial || isUnpriced(record),
    children: below,
  };
}

function sumOf(nodes: readonly TreeNode[]): { readonly costNanos: number; readonly costIsPartial: boolean } {
  return {
    costNanos: nodes.reduce((sum, { costNanos }) => sum + costNanos, 0),
    costIsPartial: nodes.some(({ costIsPartial }) => costIsPartial),
  };
}
