import { type ComponentChildren, h } from "preact";
import type { PickOfEndpoint } from "../../api/chains.ts";
import { count } from "../format.ts";
import { Icon } from "./icon.ts";

interface PickScoresProps {
  readonly pick: PickOfEndpoint;
  /** Names of endpoints by host and port. */
  readonly names: ReadonlyMap<string, string>;
}

/** One choice of an endpoint: every one in question with its scores, best first; the picked one is marked. */
export function PickScores({ pick, names }: PickScoresProps): ComponentChildren {
  const scorers = Object.entries(pick.by);
  const total = (scores: readonly number[] | string): number =>
    typeof scores === "string" ? -1 : scores.reduce((sum, score, at) => sum + score * (scorers[at]?.[1] ?? 0), 0);
  const rows = pick.of.toSorted(([, one], [, other]) => total(other) - total(one));
  const label = `Scores of pool ${pick.pool}`;
  return h(
    "div",
    { class: "scroll-x", tabIndex: 0, role: "region", "aria-label": label },
    h(
      "table",
      { class: "simple" },
      h("caption", { class: "unseen" }, label),
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          h("th", null, "Endpoint"),
          scorers.map(([name, weight]) =>
            h("th", { key: name, class: "number" }, name, weight !== 1 && h("small", null, ` ×${weight}`)),
          ),
          h("th", { class: "number" }, "Sum"),
          h("th", { class: "number" }, "Under way"),
        ),
      ),
      h(
        "tbody",
        null,
        rows.map(([host, scores, , requests]) =>
          h(
            "tr",
            { key: host },
            h(
              "td",
              { title: host },
              host === pick.picked
                ? h(
                    "b",
                    { class: "sign good" },
                    h(Icon, { name: "good", size: 12 }),
                    names.get(host) ?? host,
                    h("span", { class: "unseen" }, " picked"),
                  )
                : (names.get(host) ?? host),
            ),
            typeof scores === "string"
              ? h("td", { colSpan: scorers.length + 1, class: "calm" }, `taken out by ${scores}`)
              : [
                  scores.map((score, at) => h("td", { key: at, class: "number" }, score.toFixed(2))),
                  h("td", { key: "sum", class: "number" }, h("b", null, total(scores).toFixed(2))),
                ],
            h("td", { class: "number" }, count(requests)),
          ),
        ),
      ),
    ),
  );
}
