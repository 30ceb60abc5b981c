import { type ComponentChildren, h } from "preact";
import type { ChainRow } from "../../api/chains.ts";
import { type ChainPages, useChainPages } from "../chain-pages.ts";
import { chainSearch, isByCounter, isNarrowed, type Query, sortOf, unnarrowed } from "../chain-query.ts";
import { ago, compact, count, dateAndTime, duration, money, plural, shortId } from "../format.ts";
import { amountText } from "../parts/budget-list.ts";
import { ChainFilters } from "../parts/chain-filters.ts";
import { Outcome, PageHead, Principal } from "../parts/marks.ts";
import { Empty, Failed } from "../parts/states.ts";
import { type Column, Table } from "../parts/table.ts";
import { go, setQuery } from "../place.ts";
import { principalName } from "../principal.ts";
import type { Place } from "../router.ts";

/** All chains: searched, filtered, in several orders; one opens with Enter. */
export function ChainList({ at: { query } }: { readonly at: Place }): ComponentChildren {
  const sort = sortOf(query);
  const pages = useChainPages(chainSearch(query), sort === "newest" && query["to"] === undefined);
  return h(
    "div",
    null,
    h(PageHead, { title: "Chains" }, "A chain is everything one request set off, across agents, tools and models."),
    h(
      "div",
      { class: "card" },
      h("div", { class: "card-body" }, h(ChainFilters, { query, sort })),
      h(Rows, { pages, query }),
    ),
  );
}

const MOST_NAMES = 5;

/** The first names, whole; how many there are beside. */
function Names({ row }: { readonly row: ChainRow }): ComponentChildren {
  const { targets, principal, tenant } = row;
  const why = whyText(row);
  const names = (most: number, where: string): ComponentChildren =>
    h(
      "span",
      { class: `names ${where}` },
      targets.slice(0, most).map((name) => h("span", { key: name }, name)),
      targets.length > most && h("small", null, `+${targets.length - most}`),
      why !== "" && where === "wide-only" && h("small", { title: why }, why),
    );
  return [
    targets.length === 0
      ? h("span", { class: "calm", title: "Handshakes and lists: nothing that policy judges" }, "no calls")
      : [names(MOST_NAMES, "wide-only"), names(1, "phone-only")],
    h("small", { key: "who", class: "phone-only" }, h(Principal, { id: principal }), besideName(tenant, principal)),
  ];
}

/** Why it ended as it did, as far as a list can say. */
function whyText({ outcome, rules, budgets, errors }: ChainRow): string {
  if (outcome === "denied" && rules.length > 0)
    return `by ${rules.map((rule) => (rule === "default" ? "no rule that allows it" : rule)).join(", ")}`;
  if (outcome === "limited" && budgets.length > 0) return `by the budget ${budgets.join(", ")}`;
  return outcome === "ok" ? "" : errors.map((error) => error.replaceAll("_", " ")).join(", ");
}

const besideName = (tenant: string, principal: string | null): string =>
  tenant === "" || tenant === principalName(principal) ? "" : ` · ${tenant}`;

const columnsOf = (query: Query): readonly Column<ChainRow>[] => [
  {
    key: "outcome",
    title: h("span", { class: "word" }, "Ended"),
    width: "end",
    render: ({ outcome }) => h(Outcome, { of: outcome }),
  },
  { key: "what", title: "What was called", width: "grow what", render: (row) => h(Names, { row }) },
  {
    key: "who",
    title: "Who",
    width: "w10",
    wideOnly: true,
    render: ({ principal }) => h(Principal, { id: principal }),
  },
  {
    key: "tenant",
    title: "Tenant",
    width: "w8",
    wideOnly: true,
    render: ({ tenant }) => h("span", { title: tenant }, tenant),
  },
  {
    key: "calls",
    title: "Calls",
    width: "w4",
    number: true,
    sorts: true,
    wideOnly: true,
    render: ({ calls }) => count(calls),
  },
  isByCounter(query)
    ? {
        key: "used",
        title: "Took",
        width: "w8",
        number: true,
        sorts: true,
        render: ({ used }) => (used === undefined ? "–" : amountText(used.amount, used.unit)),
      }
    : {
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
    wideOnly: isByCounter(query),
    render: ({ costNanos, costIsPartial }) => `${costIsPartial ? "≥ " : ""}${money(costNanos)}`,
  },
  {
    key: "took",
    title: "Lasted",
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

function nameOf(row: ChainRow): string {
  const { outcome, targets, principal, tenant, costNanos, beganAtMs, chainId } = row;
  const why = whyText(row);
  const what = targets.length === 0 ? "no calls" : targets.join(", ");
  const who = `${principalName(principal)}${tenant === "" ? "" : ` of ${tenant}`}`;
  return `${outcome}${why === "" ? "" : ` ${why}`}: ${what}, by ${who}, ${money(costNanos)}, ${dateAndTime(beganAtMs)}, chain ${shortId(chainId)}`;
}

interface RowsProps {
  readonly pages: ChainPages;
  readonly query: Query;
}

function Rows({ pages, query }: RowsProps): ComponentChildren {
  const { rows, list, error } = pages;
  if (list === undefined) {
    if (error !== undefined) return h(Failed, { error, retry: pages.reload });
    return h("div", { class: "skeleton", role: "status" }, h("span", { class: "unseen" }, "Loading"));
  }
  const isIdleHidden = query["idle"] === undefined;
  if (rows.length === 0) return h(isNarrowed(query) ? NothingFound : NoTraffic, { isIdleHidden });
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
      columns: columnsOf(query),
      rows,
      total: list.total,
      sort: sortOf(query),
      tall: true,
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
        `${plural(list.total, "chain")}${isIdleHidden ? " with calls" : ""}${rows.length < list.total ? `, ${count(rows.length)} loaded` : ""}`,
      ),
      !list.complete &&
        list.coversSinceMs !== null &&
        h("span", null, `Looked back to ${dateAndTime(list.coversSinceMs)}; older chains are found by their id.`),
    ),
  );
}

interface NoneProps {
  readonly isIdleHidden: boolean;
}

const ShowIdle = (): ComponentChildren =>
  h(
    "button",
    { class: "button", type: "button", onClick: () => setQuery({ idle: "shown" }) },
    "Show handshakes and lists too",
  );

const NothingFound = ({ isIdleHidden }: NoneProps): ComponentChildren =>
  h(
    Empty,
    {
      icon: "search",
      title: "No chain fits",
      action: [
        h(
          "button",
          { key: "clear", class: "button", type: "button", onClick: () => setQuery(unnarrowed) },
          "Clear search and filter",
        ),
        isIdleHidden && h(ShowIdle, { key: "idle" }),
      ],
    },
    "Names are searched as they are written. An id is found however old it is, as long as the journal has it.",
  );

const NoTraffic = ({ isIdleHidden }: NoneProps): ComponentChildren =>
  h(
    Empty,
    {
      icon: "chains",
      title: "No chains yet",
      action: [
        h("a", { key: "connect", class: "button main", href: "/connect" }, "Connect a client"),
        isIdleHidden && h(ShowIdle, { key: "idle" }),
      ],
    },
    "The first call through this gateway begins the first one.",
  );
