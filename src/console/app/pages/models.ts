import { type ComponentChildren, h } from "preact";
import { useState } from "preact/hooks";
import type { ModelEntry, Models as ModelsData } from "../../api/models.ts";
import { ApiError, ask } from "../api.ts";
import { HeatMap } from "../charts/heat-map.ts";
import { endpointNames } from "../endpoint-names.ts";
import { ago, count, dateAndTime, duration, money, plural } from "../format.ts";
import { Icon } from "../parts/icon.ts";
import { Card, Chip, PageHead, Sign } from "../parts/marks.ts";
import { PickScores } from "../parts/pick-scores.ts";
import { Empty, Loaded } from "../parts/states.ts";
import { useResource } from "../resource.ts";
import { addressOf } from "../router.ts";
import { isOperator } from "../session.ts";

const REFRESH_MS = 2_000;

/** Endpoints and how they do, upstreams at rest, the last picks with their scores, and the models themselves. */
export function Models(): ComponentChildren {
  const models = useResource<ModelsData>("/api/models", { everyMs: REFRESH_MS });
  return h(
    "div",
    null,
    h(
      PageHead,
      { title: "Models" },
      "Which models there are, which servers answer for them, and why a call went where it went.",
    ),
    h(Loaded<ModelsData>, { from: models, children: (data) => h(Known, { data, reload: models.reload }) }),
  );
}

function Known({ data, reload }: { readonly data: ModelsData; readonly reload: () => void }): ComponentChildren {
  const resting = data.upstreams.filter(({ state }) => state !== "closed");
  if (data.models.length === 0 && data.pools.length === 0)
    return h(
      "div",
      { class: "card" },
      h(
        Empty,
        { icon: "models", title: "No models" },
        "Put providers into `models`, and servers of your own into `pools` of the configuration.",
      ),
    );
  return h(
    "div",
    { class: "stack" },
    resting.length > 0 && h(Resting, { upstreams: resting }),
    data.pools.length > 0 && h(Pools, { data, reload }),
    data.pools.length > 0 && h(Picks, { data }),
    h(Catalog, { models: data.models }),
  );
}

const breakerWords = { open: "left alone", "half-open": "being tried again", closed: "well" } as const;

const Resting = ({ upstreams }: { readonly upstreams: ModelsData["upstreams"] }): ComponentChildren =>
  h(
    Card,
    { title: "Upstreams at rest", note: "They failed, and get no calls for a while" },
    h(
      "ul",
      { class: "top-list" },
      upstreams.map(({ upstream, state, waitMs }) =>
        h(
          "li",
          { key: upstream },
          h("span", { class: "name" }, upstream),
          h(
            "span",
            { class: "value" },
            h(Sign, { icon: "warn", tone: "warn" }, breakerWords[state]),
            waitMs > 0 && h("small", null, `for ${duration(waitMs)}`),
          ),
        ),
      ),
    ),
  );

function Pools({ data, reload }: { readonly data: ModelsData; readonly reload: () => void }): ComponentChildren {
  const [problem, setProblem] = useState<string | undefined>(undefined);
  async function drain(name: string, drained: boolean): Promise<void> {
    try {
      await ask(`/api/endpoints/${encodeURIComponent(name)}/drain`, { method: drained ? "PUT" : "DELETE" });
      setProblem(undefined);
    } catch (thrown) {
      setProblem(thrown instanceof ApiError ? thrown.message : String(thrown));
    }
    reload();
  }
  return h(
    Card,
    { title: "Endpoints", note: "The fuller, the stronger the colour; the number says how full" },
    problem !== undefined && h("p", { class: "why bad", role: "alert" }, problem),
    h(HeatMap, {
      pools: data.pools,
      drain: isOperator() ? (name: string, drained: boolean) => void drain(name, drained) : undefined,
    }),
  );
}

const SHOWN = 8;

function Picks({ data: { picks, pools } }: { readonly data: ModelsData }): ComponentChildren {
  const [most, setMost] = useState(SHOWN);
  const now = Date.now();
  return h(
    Card,
    { title: "Picks", note: "For each call of a pool: which endpoint got it, and the scores that decided" },
    picks.length === 0
      ? h("p", { class: "calm" }, "No call of a pool yet.")
      : h(
          "div",
          null,
          picks.slice(0, most).map((pick) =>
            h(Pick, {
              key: `${pick.operationId} ${pick.timeMs} ${pick.picked}`,
              pick,
              names: endpointNames(pools, pick.pool),
              now,
            }),
          ),
          picks.length > most &&
            h(
              "button",
              { class: "button after", type: "button", onClick: () => setMost(picks.length) },
              `Show all ${count(picks.length)}`,
            ),
        ),
  );
}

interface PickProps {
  readonly pick: ModelsData["picks"][number];
  readonly names: ReadonlyMap<string, string>;
  readonly now: number;
}

const Pick = ({ pick, names, now }: PickProps): ComponentChildren =>
  h(
    "details",
    { class: "pick" },
    h(
      "summary",
      null,
      h(Icon, { name: "right", size: 12 }),
      h(
        "span",
        { class: "name" },
        h("b", { title: pick.picked }, names.get(pick.picked) ?? pick.picked),
        " ",
        h(
          "small",
          null,
          `for ${pick.model}`,
          h("span", { class: "wide-only" }, `, of ${plural(pick.of.length, "endpoint")} in pool ${pick.pool}`),
        ),
      ),
      h("small", { title: dateAndTime(pick.timeMs) }, ago(pick.timeMs, now)),
    ),
    h(PickScores, { pick, names }),
    h(
      "p",
      { class: "under-table" },
      h(
        "a",
        { href: addressOf({ page: "chains", id: pick.chainId, query: { op: pick.operationId } }) },
        "Open the call",
      ),
    ),
  );

/* Prices are known by the million everywhere. */
const perMillion = (nanosAToken: number): string => money(nanosAToken * 1_000_000);

function priceOf({ price, choices }: ModelEntry): ComponentChildren {
  if (choices !== undefined) return "as the one chosen";
  if (price === undefined) return h(Chip, { tone: "warn" }, "unknown");
  const call = price.perCall === undefined || price.perCall === 0 ? "" : `, ${money(price.perCall)} a call`;
  return `${perMillion(price.perInputToken)} in, ${perMillion(price.perOutputToken)} out${call}`;
}

const Catalog = ({ models }: { readonly models: readonly ModelEntry[] }): ComponentChildren =>
  h(
    Card,
    { title: "Catalog", note: "Prices per million tokens" },
    h(
      "div",
      { class: "scroll-x", tabIndex: 0, role: "region", "aria-label": "Models and their prices" },
      h(
        "table",
        { class: "simple" },
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            ["Model", "Served by", "Price", "Steps in when it fails"].map((word) => h("th", { key: word }, word)),
          ),
        ),
        h(
          "tbody",
          null,
          models.map((model) =>
            h(
              "tr",
              { key: model.name },
              h("td", null, h("a", { href: addressOf({ page: "chains", query: { q: model.name } }) }, model.name)),
              h("td", null, servedBy(model)),
              h("td", null, priceOf(model)),
              h("td", null, model.fallback.join(", then ") || "–"),
            ),
          ),
        ),
      ),
    ),
  );

function servedBy({ name, provider, upstreamName, pool, choices, adapter }: ModelEntry): string {
  if (choices !== undefined) return `one of ${choices.join(", ")}`;
  const as = upstreamName === undefined || upstreamName === name ? "" : ` as ${upstreamName}`;
  return `${pool === undefined ? provider : `pool ${pool}`}${as}${adapter === undefined ? "" : `, adapter ${adapter}`}`;
}
