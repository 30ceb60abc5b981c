import { type ComponentChildren, h } from "preact";
import type { Overview, Top } from "../../api/overview.ts";
import { Bar } from "../charts/bars.ts";
import { compact, count, money, plural } from "../format.ts";
import { addressOf } from "../router.ts";
import { Card } from "./marks.ts";

/** Who and what stands out. Every line leads to its chains. */
export function Tops({ tops }: { readonly tops: Overview["tops"] }): ComponentChildren {
  const spent = ({ costNanos, tokens }: Top): string =>
    costNanos > 0 ? money(costNanos) : tokens > 0 ? `${compact(tokens)} tokens` : "–";
  return h(
    "div",
    { class: "grid-2" },
    h(TopList, {
      title: "Models",
      note: "By cost",
      tops: tops.models,
      weight: ({ costNanos, calls }) => costNanos || calls,
      value: spent,
      query: {},
    }),
    h(TopList, {
      title: "Tenants",
      note: "By cost",
      tops: tops.tenants,
      weight: ({ costNanos, calls }) => costNanos || calls,
      value: spent,
      query: {},
    }),
    h(TopList, {
      title: "Denials",
      note: "By the rule that decided",
      tops: tops.denials,
      weight: ({ calls }) => calls,
      value: ({ calls }) => plural(calls, "call"),
      query: { outcome: "denied" },
      byName: false,
      none: "Policy has refused nothing.",
    }),
    h(TopList, {
      title: "Failing",
      note: "Tools, agents and models",
      tops: tops.failing,
      weight: ({ failed }) => failed,
      value: ({ failed, calls }) => `${count(failed)} of ${count(calls)}`,
      query: { outcome: "failed" },
      none: "Nothing has failed.",
    }),
  );
}

interface TopListProps {
  readonly title: string;
  readonly note: string;
  readonly tops: readonly Top[];
  weight(top: Top): number;
  value(top: Top): string;
  readonly query: Readonly<Record<string, string>>;
  /** Whether chains can be searched by the name. */
  readonly byName?: boolean;
  readonly none?: string;
}

function TopList({
  title,
  note,
  tops,
  weight,
  value,
  query,
  byName = true,
  none = "None in this time.",
}: TopListProps): ComponentChildren {
  const most = Math.max(...tops.map(weight), 0) || 1;
  return h(
    Card,
    { title, note },
    tops.length === 0
      ? h("p", { class: "calm" }, none)
      : h(
          "ul",
          { class: "top-list" },
          tops
            .toSorted((one, other) => weight(other) - weight(one))
            .slice(0, 6)
            .map((top) =>
              h(
                "li",
                { key: top.name },
                h(
                  "a",
                  {
                    class: "name",
                    href: addressOf({ page: "chains", query: { ...query, ...(byName && { q: top.name }) } }),
                    title: top.name,
                  },
                  top.name,
                ),
                h(
                  "span",
                  { class: "value" },
                  value(top),
                  query["outcome"] === undefined && h("small", null, plural(top.calls, "call")),
                ),
                h(Bar, { share: weight(top) / most }),
              ),
            ),
        ),
  );
}
