import { type ComponentChildren, h } from "preact";
import type { Others, Overview, Top } from "../../api/overview.ts";
import type { Query } from "../chain-query.ts";
import { Bar } from "../charts/bars.ts";
import { compact, count, money, plural } from "../format.ts";
import { addressOf } from "../router.ts";
import { Card } from "./marks.ts";

interface TopsProps {
  readonly tops: Overview["tops"];
  /** When the time that is counted began. */
  readonly fromMs: number;
}

/** Who and what stands out. Every line leads to its chains of the same time. */
export function Tops({ tops, fromMs }: TopsProps): ComponentChildren {
  const spent = ({ costNanos, tokens }: Others): string =>
    costNanos > 0 ? money(costNanos) : tokens > 0 ? `${compact(tokens)} tokens` : "–";
  const calls = (of: Others): string => plural(of.calls, "call");
  const from = { from: `${fromMs}` };
  const byCost = {
    note: "By cost",
    weight: ({ costNanos, calls: made }: Others) => costNanos || made,
    value: spent,
    beside: calls,
    query: ({ name }: Top) => ({ q: name, ...from }),
    none: "None in this time.",
  };
  return h(
    "div",
    { class: "grid-2" },
    h(TopList, { title: "Models", tops: tops.models, others: tops.others.models, ...byCost }),
    h(TopList, { title: "Tenants", tops: tops.tenants, others: tops.others.tenants, ...byCost }),
    h(TopList, {
      title: "Denials",
      note: "By the rule that decided",
      tops: tops.denials,
      others: tops.others.denials,
      weight: (of) => of.calls,
      value: calls,
      query: ({ name }) => ({ rule: name, ...from }),
      nameOf: ({ name }) => (name === "default" ? "no rule allowed it" : name),
      none: "Policy has refused nothing.",
    }),
    h(TopList, {
      title: "Failing",
      note: "Tools, agents and models",
      tops: tops.failing,
      others: tops.others.failing,
      weight: ({ failed }) => failed,
      value: ({ failed, calls: made }) => `${count(failed)} of ${count(made)}`,
      query: ({ name }) => ({ q: name, outcome: "failed", ...from }),
      none: "Nothing has failed.",
    }),
  );
}

interface TopListProps {
  readonly title: string;
  readonly note: string;
  readonly tops: readonly Top[];
  readonly others: Others;
  weight(of: Others): number;
  value(of: Others): string;
  beside?(of: Others): string;
  query(top: Top): Query;
  nameOf?(top: Top): string;
  readonly none: string;
}

const SHOWN = 6;

const sumOf = (all: readonly Others[]): Others => ({
  calls: all.reduce((sum, { calls }) => sum + calls, 0),
  failed: all.reduce((sum, { failed }) => sum + failed, 0),
  tokens: all.reduce((sum, { tokens }) => sum + tokens, 0),
  costNanos: all.reduce((sum, { costNanos }) => sum + costNanos, 0),
});

function TopList({ title, note, tops, others, none, ...read }: TopListProps): ComponentChildren {
  const { weight, value, beside, query, nameOf = ({ name }) => name } = read;
  const sorted = tops.toSorted((one, other) => weight(other) - weight(one));
  const rest = sumOf([...sorted.slice(SHOWN), others]);
  const most = Math.max(...sorted.map(weight), 0) || 1;
  const figures = (of: Others): ComponentChildren =>
    h("span", { class: "value" }, value(of), beside !== undefined && h("small", null, beside(of)));
  return h(
    Card,
    { title, note },
    sorted.length === 0
      ? h("p", { class: "calm" }, none)
      : h(
          "ul",
          { class: "top-list" },
          sorted
            .slice(0, SHOWN)
            .map((top) =>
              h(
                "li",
                { key: top.name },
                h(
                  "a",
                  { class: "name", href: addressOf({ page: "chains", query: query(top) }), title: top.name },
                  nameOf(top),
                ),
                figures(top),
                h(Bar, { share: weight(top) / most }),
              ),
            ),
          (rest.calls > 0 || rest.failed > 0) &&
            h("li", { class: "calm" }, h("span", { class: "name" }, "all others"), figures(rest)),
        ),
  );
}
