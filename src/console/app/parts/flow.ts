import { type ComponentChildren, h } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { Chain, ChainNode, OperationRecord } from "../../api/chains.ts";
import { duration, money } from "../format.ts";
import { layOut, type WaterfallRow } from "../waterfall-layout.ts";
import { Icon } from "./icon.ts";
import { Outcome, Protocol, protocolWord } from "./marks.ts";
import { type Column, Table } from "./table.ts";

type Row = WaterfallRow<ChainNode>;

/** What an operation is called: the target first, then what was asked of it. */
export const nameOfOperation = ({ target, method }: Pick<OperationRecord, "target" | "method">): string =>
  target.name === "" ? method : target.name;

const limits = new Set(["budget_exhausted", "rate_limited", "runaway_stopped"]);

/** The word for how it ended; a budget's refusal is told from policy's. */
export const endOf = ({ outcome, kind }: Pick<OperationRecord, "outcome" | "kind">): string =>
  kind !== undefined && limits.has(kind) ? "limited" : outcome;

interface FlowProps {
  readonly chain: Chain;
  readonly selected: string | undefined;
  readonly onOpen: (operation: string) => void;
}

/** A chain as a tree, and beside it as a waterfall: a row an operation. */
export function Flow({ chain, selected, onOpen }: FlowProps): ComponentChildren {
  const [shut, setShut] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(
    () =>
      layOut(chain.children, {
        beganAtMs: chain.beganAtMs,
        endedAtMs: chain.endedAtMs,
        read: ({ record: { timeMs, durationMs, firstByteMs }, children }) => ({
          timeMs,
          durationMs,
          firstByteMs,
          children,
        }),
        isOpen: ({ record }) => !shut.has(record.id),
      }),
    [chain, shut],
  );
  const setOpen = ({ node }: Row, open: boolean): void =>
    setShut((before) => {
      const after = new Set(before);
      if (open) after.delete(node.record.id);
      else after.add(node.record.id);
      return after;
    });
  const whole = chain.endedAtMs - chain.beganAtMs;
  const columns: readonly Column<Row>[] = [
    {
      key: "what",
      title: "Operation",
      width: "tree",
      render: (row) => h(What, { row, onToggle: () => setOpen(row, row.open === false) }),
    },
    {
      key: "cost",
      title: "Cost",
      number: true,
      wideOnly: true,
      render: ({ node }) => costText(node),
    },
    { key: "took", title: "Took", width: "w4", number: true, render: ({ node }) => duration(node.record.durationMs) },
    {
      key: "line",
      title: h(Ticks, { whole }),
      width: "timeline",
      wideOnly: true,
      render: (row) => h(Timeline, { row }),
    },
  ];
  return h(Table<Row>, {
    label: "Operations of this chain",
    columns,
    rows,
    keyOf: ({ node }) => node.record.operationId,
    nameOf: ({ node: { record, costNanos } }) =>
      `${protocolWord(record.protocol)}: ${nameOfOperation(record)}, ${record.method}, ${endOf(record)}, ${money(costNanos)}, ${duration(record.durationMs)} from ${duration(record.timeMs - chain.beganAtMs)}`,
    onOpen: ({ node }) => onOpen(node.record.operationId),
    selected,
    branch: ({ level, position, brothers, open }) => ({ level, position, brothers, open }),
    onBranch: setOpen,
    tall: true,
  });
}

const costText = ({ costNanos, costIsPartial }: ChainNode): string =>
  `${costIsPartial ? "≥ " : ""}${costNanos > 0 || costIsPartial ? money(costNanos) : "–"}`;

/** The second line on a phone. */
function aboutText(node: ChainNode): string {
  const { record, costNanos } = node;
  const method = record.target.name === "" ? protocolWord(record.protocol) : record.method;
  return costNanos > 0 ? `${method}, ${costText(node)}` : method;
}

/* Deeper ones hang at the same place: a phone has no room for more. */
const DEEPEST = 8;

function What({
  row: { node, level, open },
  onToggle,
}: {
  readonly row: Row;
  readonly onToggle: () => void;
}): ComponentChildren {
  const { record } = node;
  const end = endOf(record);
  const toggle = (event: Event): void => {
    event.stopPropagation();
    onToggle();
  };
  return [
    ...Array.from({ length: Math.min(level - 1, DEEPEST) }, (_, at) => h("span", { key: at, class: "indent" })),
    h(
      "span",
      {
        key: "toggle",
        class: open === false ? "toggle shut" : "toggle",
        "aria-hidden": "true",
        ...(open !== undefined && { onClick: toggle }),
      },
      open !== undefined && h(Icon, { name: "down", size: 12 }),
    ),
    h(Protocol, { key: "protocol", of: record.protocol, bare: true }),
    h(
      "span",
      { key: "name", class: "name" },
      nameOfOperation(record),
      " ",
      h("small", { class: "wide-only" }, record.target.name === "" ? "" : record.method),
      h("small", { class: "phone-only" }, aboutText(node)),
    ),
    ...(end === "ok" ? [] : [h(Outcome, { key: "end", of: end })]),
  ];
}

const WIDTH = 1_000;

function Timeline({ row: { node, start, width, waited } }: { readonly row: Row }): ComponentChildren {
  const { protocol, outcome } = node.record;
  // A call that took no time at all is seen all the same.
  const long = Math.max(width * WIDTH, 3);
  const x = Math.min(start * WIDTH, WIDTH - long);
  const wait = (waited ?? 0) * long;
  const end = endOf(node.record);
  return h(
    "svg",
    { class: "span-line", viewBox: `0 0 ${WIDTH} 16`, preserveAspectRatio: "none", "aria-hidden": "true" },
    h("line", { class: "ground", x1: 0, x2: WIDTH, y1: 8, y2: 8 }),
    wait > 0 && h("rect", { class: `part ${protocol} wait`, x, width: wait, y: 3, height: 10 }),
    h("rect", { class: `part ${protocol}`, x: x + wait, width: Math.max(long - wait, 1), y: 3, height: 10 }),
    outcome !== "ok" && h("line", { class: `end ${end}`, x1: x + long, x2: x + long, y1: 0, y2: 16 }),
  );
}

const Ticks = ({ whole }: { readonly whole: number }): ComponentChildren => {
  return [0, whole / 2, whole].map((ms, at) => h("span", { key: at }, duration(ms)));
};
