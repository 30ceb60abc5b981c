import { type ComponentChildren, h } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ChainRow, ChainSort } from "../../api/chains.ts";
import { type ChainPages, useChainPages } from "../chain-pages.ts";
import { ago, compact, count, dateAndTime, duration, money, plural, shortId } from "../format.ts";
import { Outcome, PageHead } from "../parts/marks.ts";
import { Empty, Failed } from "../parts/states.ts";
import { type Column, Table } from "../parts/table.ts";
import { go, setQuery } from "../place.ts";
import type { Place } from "../router.ts";

const sorts: readonly (readonly [ChainSort, string])[] = [
  ["newest", "Newest"],
  ["cost", "Dearest"],
  ["calls", "Most calls"],
];
const outcomes = ["denied", "limited", "failed", "aborted", "ok"] as const;
const outcomeWords = { denied: "Denied", limited: "Limited", failed: "Failed", aborted: "Aborted", ok: "OK" } as const;

/* A search goes out when the reader pauses. */
const PAUSE_MS = 250;

/** All chains: searched, filtered, in three orders; one opens with Enter. */
export function ChainList({ at }: { readonly at: Place }): ComponentChildren {
  const { q = "", outcome = "", sort: wanted = "newest" } = at.query;
  const sort = sorts.find(([name]) => name === wanted)?.[0] ?? "newest";
  const query = new URLSearchParams({ sort, ...(q !== "" && { q }), ...(outcome !== "" && { outcome }) }).toString();
  const pages = useChainPages(query, sort === "newest");
  return h(
    "div",
    null,
    h(PageHead, { title: "Chains" }, "A chain is everything one request set off, across agents, tools and models."),
    h(
      "div",
      { class: "card" },
      h("div", { class: "card-body" }, h(Filters, { q, outcome, sort })),
      h(Rows, { pages, sort, filtered: q !== "" || outcome !== "" }),
    ),
  );
}

interface FiltersProps {
  readonly q: string;
  readonly outcome: string;
  readonly sort: ChainSort;
}

function Filters({ q, outcome, sort }: FiltersProps): ComponentChildren {
  const [text, setText] = useState(q);
  useEffect(() => setText(q), [q]);
  useEffect(() => {
    if (text === q) return;
    const timer = setTimeout(() => setQuery({ q: text }), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return h(
    "form",
    { class: "filters", role: "search", onSubmit: (event: Event) => event.preventDefault() },
    h(
      "label",
      { class: "field grow" },
      "Search",
      h("input", {
        type: "search",
        "data-search": true,
        placeholder: "Chain or request id, principal, tenant, tool, agent, model",
        value: text,
        onInput: (event: Event) => setText((event.currentTarget as HTMLInputElement).value),
      }),
    ),
    h(Choice, {
      label: "Ended",
      value: outcome,
      options: [["", "In any way"], ...outcomes.map((name) => [name, outcomeWords[name]] as const)],
      onChange: (value) => setQuery({ outcome: value }),
    }),
    h(Choice, {
      label: "Order",
      value: sort,
      options: sorts,
      onChange: (value) => setQuery({ sort: value === "newest" ? "" : value }),
    }),
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, word: string])[];
  readonly onChange: (value: string) => void;
}

const Choice = ({ label, value, options, onChange }: ChoiceProps): ComponentChildren =>
  h(
    "label",
    { class: "field" },
    label,
    h(
      "select",
      { value, onChange: (event: Event) => onChange((event.currentTarget as HTMLSelectElement).value) },
      options.map(([option, word]) => h("option", { key: option, value: option }, word)),
    ),
  );

const columns: readonly Column<ChainRow>[] = [
  {
    key: "outcome",
    title: h("span", { class: "word" }, "Ended"),
    width: "end",
    render: ({ outcome }) => h(Outcome, { of: outcome }),
  },
  {
    key: "what",
    title: "What was called",
    width: "grow",
    render: ({ targets }) =>
      targets.length === 0 ? h("span", { class: "calm" }, "nothing that policy judges") : targets.join(", "),
  },
  { key: "who", title: "Who", width: "w10", wideOnly: true, render: ({ principal }) => principalName(principal) },
  { key: "tenant", title: "Tenant", width: "w5", wideOnly: true, render: ({ tenant }) => tenant },
  {
    key: "calls",
    title: "Calls",
    width: "w4",
    number: true,
    sorts: true,
    wideOnly: true,
    render: ({ calls }) => count(calls),
  },
  {
    key: "tokens",
    title: "Tokens",
    width: "w5",
    number: true,
    wideOnly: true,
    render: ({ inputTokens, outputTokens }) => compact(inputTokens + outputTokens),
  },
  {
    key: "cost",
    title: "Cost",

    number: true,
    sorts: true,
    render: ({ costNanos, costIsPartial }) => `${costIsPartial ? "≥ " : ""}${money(costNanos)}`,
  },
  {
    key: "took",
    title: "Took",
    width: "w5",
    number: true,
    wideOnly: true,
    render: ({ durationMs }) => duration(durationMs),
  },
  {
    key: "newest",
    title: "Began",
    number: true,
    sorts: true,
    render: ({ beganAtMs }) =>
      h(
        "time",
        { dateTime: new Date(beganAtMs).toISOString(), title: dateAndTime(beganAtMs) },
        ago(beganAtMs, Date.now()),
      ),
  },
];

/** The last part of a principal's id: `https://issuer#app` reads `app`. */
export const principalName = (principal: string | null): string =>
  principal === null ? "unknown" : (principal.split("#").at(-1) ?? principal) || principal;

const nameOf = ({ outcome, targets, principal, costNanos, beganAtMs, chainId }: ChainRow): string =>
  `${outcome}: ${targets.join(", ")}, by ${principalName(principal)}, ${money(costNanos)}, ${dateAndTime(beganAtMs)}, chain ${shortId(chainId)}`;

interface RowsProps {
  readonly pages: ChainPages;
  readonly sort: ChainSort;
  readonly filtered: boolean;
}

function Rows({ pages, sort, filtered }: RowsProps): ComponentChildren {
  const { rows, list, error } = pages;
  if (list === undefined) {
    if (error !== undefined) return h(Failed, { error, retry: pages.reload });
    return h("div", { class: "skeleton", role: "status" }, h("span", { class: "unseen" }, "Loading"));
  }
  if (rows.length === 0) return filtered ? h(NothingFound, null) : h(NoTraffic, null);
  return h(
    "div",
    null,
    pages.waiting > 0 &&
      h(
        "p",
        { class: "fresh" },
        h(
          "button",
          { class: "button", type: "button", onClick: pages.show },
          `Show ${plural(pages.waiting, "new chain")}`,
        ),
      ),
    h(Table<ChainRow>, {
      label: "Chains",
      columns,
      rows,
      total: list.total,
      sort,
      keyOf: ({ chainId }) => chainId,
      nameOf,
      onOpen: ({ chainId }) => go({ page: "chains", id: chainId }),
      onSort: (key) => setQuery({ sort: key === "newest" ? "" : key }),
      onEnd: list.next === undefined ? undefined : pages.more,
      onBusy: pages.setBusy,
    }),
    h(
      "p",
      { class: "table-foot" },
      h(
        "span",
        { role: "status" },
        `${plural(list.total, "chain")}${rows.length < list.total ? `, ${count(rows.length)} loaded` : ""}`,
      ),
      !list.complete &&
        list.coversSinceMs !== null &&
        h("span", null, `Looked back to ${dateAndTime(list.coversSinceMs)}; older chains are found by their id.`),
    ),
  );
}

const NothingFound = (): ComponentChildren =>
  h(
    Empty,
    {
      icon: "search",
      title: "No chain fits",
      action: h(
        "button",
        { class: "button", type: "button", onClick: () => setQuery({ q: "", outcome: "" }) },
        "Clear search and filter",
      ),
    },
    "Names are searched as they are written. An id is found however old it is, as long as the journal has it.",
  );

const NoTraffic = (): ComponentChildren =>
  h(
    Empty,
    {
      icon: "chains",
      title: "No chains yet",
      action: h("a", { class: "button main", href: "/connect" }, "Connect a client"),
    },
    "The first call through this gateway begins the first one.",
  );
