import { formatDollars } from "../budgets/money.ts";
import type { JournalRecord } from "../observability/journal-record.ts";
import type { ChainTree, TreeNode } from "../observability/journal-tree.ts";

/** A chain as the admin API gives it. */
export interface ShownChain extends ChainTree {
  readonly complete: boolean;
  readonly taintedBy?: string;
}

interface Line {
  readonly cost: string;
  readonly text: string;
}

/**
 * A chain for people: what it cost in the first column, each line with all below it, as `du` does, and behind it who was asked for
 * what. Handshakes, lists and other things that need no permission are one line.
 */
export function describeChain(chain: ShownChain): readonly string[] {
  const lines = [{ cost: costOf(chain), text: "in all" }, ...describeAll(chain.children, "")];
  const width = Math.max(...lines.map(({ cost }) => cost.length));
  const durationMs = chain.endedAtMs - chain.beganAtMs;
  const count = `${chain.operations} operation${chain.operations === 1 ? "" : "s"} in ${formatMs(durationMs)}`;
  return [
    `chain ${chain.chainId}, begun by ${chain.root ?? "somebody before these records"}: ${count}`,
    ...(chain.complete ? [] : ["older records are left out"]),
    ...(chain.taintedBy === undefined ? [] : [`tainted by ${chain.taintedBy}`]),
    ...lines.map(({ cost, text }) => `${cost.padStart(width)}  ${text}`),
  ];
}

function describeAll(nodes: readonly TreeNode[], indent: string): readonly Line[] {
  const quiet = nodes.filter(isQuiet);
  const rest = nodes.filter((node) => !isQuiet(node));
  const methods = [...new Set(quiet.map(({ record }) => record.method))];
  return [
    ...(quiet.length === 0 ? [] : [{ cost: "", text: `${indent}(${methods.join(", ")})` }]),
    ...rest.flatMap((node) => [
      { cost: costOf(node), text: `${indent}${describe(node.record)}` },
      ...(node.record.picks ?? []).map(({ pool, picked }) => ({
        cost: "",
        text: `${indent}  ${picked} of pool ${pool}`,
      })),
      ...(node.record.notes ?? []).map((note) => ({ cost: "", text: `${indent}  ${note}` })),
      ...describeAll(node.children, `${indent}  `),
    ]),
  ];
}

/* As the gateway notes what policy is not asked about. */
const isQuiet = ({ record, children, costNanos }: TreeNode): boolean =>
  record.decision?.rule === "any principal" && record.outcome === "ok" && children.length === 0 && costNanos === 0;

function costOf({ costNanos, costIsPartial }: Pick<TreeNode, "costNanos" | "costIsPartial">): string {
  if (costNanos === 0) return costIsPartial ? "?" : "-";
  return `${costIsPartial ? "> " : ""}${formatDollars(costNanos)}`;
}

function describe(record: JournalRecord): string {
  const { protocol, method, target, durationMs } = record;
  return [`${protocol} ${method} ${target.name}`.trimEnd(), ...endOf(record), formatMs(durationMs)].join(", ");
}

function endOf(record: JournalRecord): readonly string[] {
  const { outcome, decision, kind } = record;
  if (outcome === "ok") return failuresOf(record);
  if (decision?.allow === false) return [`${outcome} by ${decision.rule}`];
  return [kind === undefined ? outcome : `${outcome}: ${kind}`, ...failuresOf(record)];
}

/** Which candidates did not answer and why, and who did. */
export function failuresOf({ outcome, candidate, failed = [] }: JournalRecord): readonly string[] {
  if (failed.length === 0) return [];
  const reasons = failed.map(({ name, reason }) => `${name}: ${reason}`).join(", ");
  return [outcome === "ok" ? `answered by ${candidate}, not ${reasons}` : `tried ${reasons}`];
}

const formatMs = (ms: number): string => (ms < 1_000 ? `${ms.toFixed(1)} ms` : `${(ms / 1_000).toFixed(1)} s`);
