import { type ComponentChildren, h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Chain, ChainNode, Charge } from "../../api/chains.ts";
import { dateAndTime, duration, money, plural, shortId } from "../format.ts";
import { amountText } from "../parts/budget-list.ts";
import { CopyButton } from "../parts/copy-button.ts";
import { endOf, Flow } from "../parts/flow.ts";
import { Card, Chip, Outcome, PageHead, Tile } from "../parts/marks.ts";
import { OperationDetail } from "../parts/operation-detail.ts";
import { Loaded } from "../parts/states.ts";
import { setQuery } from "../place.ts";
import { principalWords } from "../principal.ts";
import { useResource } from "../resource.ts";

interface ChainPageProps {
  readonly id: string;
  /** The operation whose detail is open. */
  readonly operation: string | undefined;
}

const REFRESH_MS = 5_000;

/** One chain: tree, waterfall, what it cost, which budgets it burnt, and any of its calls in detail. */
export function ChainPage({ id, operation }: ChainPageProps): ComponentChildren {
  const chain = useResource<Chain>(`/api/chains/${encodeURIComponent(id)}`, { everyMs: REFRESH_MS });
  return h(
    "div",
    null,
    h(
      PageHead,
      { title: `Chain ${shortId(id)}`, actions: h("a", { class: "button", href: "/chains" }, "All chains") },
      h("span", { class: "mono id" }, id),
      " ",
      h(CopyButton, { text: id, what: "the id" }),
    ),
    h(Loaded<Chain>, { from: chain, children: (data) => h(Whole, { chain: data, operation }) }),
  );
}

function Whole({
  chain,
  operation,
}: {
  readonly chain: Chain;
  readonly operation: string | undefined;
}): ComponentChildren {
  const detail = useRef<HTMLDivElement>(null);
  const asked = useRef(false);
  const open = (id: string): void => {
    asked.current = true;
    setQuery({ op: id === operation ? "" : id });
  };
  /* On a narrow page the detail stands below the tree: who asked for it is led there. */
  useEffect(() => {
    if (asked.current && operation !== undefined)
      detail.current?.scrollIntoView({ block: "nearest", behavior: "smooth" });
    asked.current = false;
  }, [operation]);
  useEffect(() => {
    if (operation === undefined) return;
    const close = (event: KeyboardEvent): void => {
      if (event.key === "Escape" && !event.defaultPrevented) setQuery({ op: "" });
    };
    document.addEventListener("keydown", close);
    return () => document.removeEventListener("keydown", close);
  }, [operation]);
  return h(
    "div",
    { class: "stack" },
    h(Facts, { chain }),
    h(
      "div",
      { class: operation === undefined ? "stack" : "with-detail" },
      h(
        "div",
        { class: "stack" },
        h(
          Card,
          {
            title: "What happened",
            note: "Enter or a click opens a call: which rule decided, why, and what to change",
            actions: h(Warnings, { chain }),
            flush: true,
          },
          h(Flow, { chain, selected: operation, onOpen: open }),
        ),
        h(Burnt, { chain }),
      ),
      operation !== undefined &&
        h(
          "div",
          { ref: detail },
          h(OperationDetail, {
            key: operation,
            id: operation,
            chain: chain.chainId,
            onClose: () => setQuery({ op: "" }),
          }),
        ),
    ),
  );
}

function Facts({ chain }: { readonly chain: Chain }): ComponentChildren {
  const all = everyNode(chain.children);
  const ends = new Map<string, number>();
  for (const { record } of all) ends.set(endOf(record), (ends.get(endOf(record)) ?? 0) + 1);
  const wrong = [...ends].filter(([end]) => end !== "ok");
  const tenants = new Set(chain.children.map(({ record }) => record.principal.tenant));
  const tokens = all.reduce(
    (sum, { record: { usage } }) => sum + (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0),
    0,
  );
  const begun = chain.root === undefined ? undefined : principalWords(chain.root);
  return h(
    "dl",
    { class: "tiles" },
    h(Tile, {
      name: "Cost",
      figure: `${chain.costIsPartial ? "≥ " : ""}${money(chain.costNanos)}`,
      note: chain.costIsPartial ? "the price of a model in it is unknown" : plural(tokens, "token"),
    }),
    h(Tile, {
      name: "Lasted",
      figure: duration(chain.endedAtMs - chain.beganAtMs),
      note: `began ${dateAndTime(chain.beganAtMs)}`,
    }),
    h(Tile, {
      name: "Operations",
      figure: String(chain.operations),
      note:
        wrong.length === 0
          ? "all well"
          : h(
              "span",
              { class: "legend" },
              wrong.map(([end, count]) => h(Outcome, { key: end, of: end, count })),
            ),
    }),
    h(Tile, {
      name: "Begun by",
      figure: h("span", { title: chain.root }, begun?.name ?? "unknown"),
      note:
        begun === undefined
          ? "its first records are gone"
          : [begun.by, ...tenants].filter((word) => word !== "").join(" · "),
    }),
  );
}

/** What makes a reader look twice. */
const Warnings = ({ chain: { taintedBy, complete } }: { readonly chain: Chain }): ComponentChildren =>
  (taintedBy !== undefined || !complete) &&
  h(
    "p",
    { class: "row" },
    taintedBy !== undefined && h(Chip, { tone: "warn" }, `Tainted by ${taintedBy}`),
    !complete && h(Chip, null, "More than 10,000 records: the oldest are left out"),
  );

function everyNode(roots: readonly ChainNode[]): readonly ChainNode[] {
  const found: ChainNode[] = [];
  const left = [...roots];
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    found.push(node);
    left.push(...node.children);
  }
  return found;
}

/** What the chain took of each budget. */
function Burnt({ chain }: { readonly chain: Chain }): ComponentChildren {
  const sums = new Map<string, Charge & { readonly calls: number }>();
  for (const { record } of everyNode(chain.children))
    for (const charge of record.charges ?? []) {
      const key = `${charge.budget}\0${charge.limit}\0${charge.key}`;
      const known = sums.get(key);
      sums.set(key, { ...charge, booked: charge.booked + (known?.booked ?? 0), calls: 1 + (known?.calls ?? 0) });
    }
  if (sums.size === 0) return null;
  return h(
    Card,
    { title: "Budgets it used" },
    h(
      "div",
      { class: "scroll-x", tabIndex: 0, role: "region", "aria-label": "Budgets it used" },
      h(
        "table",
        { class: "simple" },
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            h("th", null, "Budget"),
            h("th", { class: "number" }, "Calls"),
            h("th", { class: "number" }, "Taken"),
          ),
        ),
        h(
          "tbody",
          null,
          [...sums].map(([key, { budget, limit, calls, booked, unit }]) =>
            h(
              "tr",
              { key },
              h("td", null, budget, " ", h("small", { class: "calm" }, limit)),
              h("td", { class: "number" }, calls),
              h("td", { class: "number" }, amountText(booked, unit)),
            ),
          ),
        ),
      ),
    ),
  );
}
