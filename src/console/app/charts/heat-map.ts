import { type ComponentChildren, h } from "preact";
import type { EndpointState, PoolState } from "../../api/models.ts";
import { endpointName, hostOf } from "../endpoint-names.ts";
import { count, percent, plural } from "../format.ts";
import { Sign } from "../parts/marks.ts";

/** How strong a field is coloured, of five steps; the bounds are those of `share`, 0 to 1. */
export const heatOf = (share: number): number =>
  share <= 0 ? 0 : share < 0.4 ? 1 : share < 0.7 ? 2 : share < 0.9 ? 3 : 4;

/* From so many waiting calls on a server is as full as it can be shown. */
const LONG_QUEUE = 16;

const states: Readonly<
  Record<string, readonly [icon: "good" | "bad" | "warn" | "cut", tone: "good" | "bad" | "warn" | "calm", word: string]>
> = {
  well: ["good", "good", "Well"],
  unreachable: ["bad", "bad", "Unreachable"],
  ejected: ["warn", "warn", "Ejected"],
  draining: ["cut", "calm", "Draining"],
  leaving: ["cut", "calm", "Leaving"],
};

interface HeatMapProps {
  readonly pools: readonly PoolState[];
  /** Absent: the reader's role may not. */
  readonly drain: ((name: string, drained: boolean) => void) | undefined;
}

/** Endpoints by what fills them up: a table whose fields are coloured by how full they are. */
export function HeatMap({ pools, drain }: HeatMapProps): ComponentChildren {
  const busiest = Math.max(1, ...pools.flatMap(({ endpoints }) => endpoints.map(({ requests }) => requests)));
  return h(
    "div",
    { class: "scroll-x", tabIndex: 0, role: "region", "aria-label": "Endpoints" },
    h(
      "table",
      { class: "heat" },
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          ["Endpoint", "State", "Under way", "Queue", "Load", "KV cache"].map((word) =>
            h("th", { key: word, scope: "col" }, word),
          ),
          drain !== undefined && h("th", { scope: "col" }, h("span", { class: "unseen" }, "Drain")),
        ),
      ),
      pools.map((pool) =>
        h(
          "tbody",
          { key: pool.pool },
          h(
            "tr",
            null,
            h(
              "th",
              { class: "pool", colSpan: 7, scope: "rowgroup" },
              `Pool ${pool.pool}: ${plural(pool.endpoints.length, "endpoint")}, ${count(pool.waiting)} waiting`,
              pool.saturation === undefined ? ", none gets calls" : `, ${percent(pool.saturation)} full`,
            ),
          ),
          pool.endpoints.map((endpoint) => h(Row, { key: endpoint.name, endpoint, busiest, drain })),
        ),
      ),
    ),
  );
}

interface RowProps {
  readonly endpoint: EndpointState;
  readonly busiest: number;
  readonly drain: HeatMapProps["drain"];
}

function Row({ endpoint, busiest, drain }: RowProps): ComponentChildren {
  const { name, url, state, requests, queued, load, kvUsage, adapters = [] } = endpoint;
  const [icon, tone, word] = states[state] ?? (["warn", "warn", state] as const);
  const drained = state === "draining";
  return h(
    "tr",
    null,
    h(
      "th",
      { scope: "row", title: url },
      h("b", null, endpointName(name)),
      h("small", { class: "calm wide-only" }, ` ${hostOf(url)}`),
      adapters.length > 0 && h("small", { class: "calm" }, ` ${adapters.join(", ")}`),
    ),
    h("td", { class: "state" }, h(Sign, { icon, tone }, word)),
    field(requests, requests / busiest, count),
    field(queued, (queued ?? 0) / LONG_QUEUE, count),
    field(load, load ?? 0, percent),
    field(kvUsage, kvUsage ?? 0, percent),
    drain !== undefined &&
      h(
        "td",
        { class: "act" },
        h(
          "button",
          {
            class: "button small",
            type: "button",
            "aria-label": `${drained ? "Undrain" : "Drain"} ${name}`,
            onClick: () => drain(name, !drained),
          },
          drained ? "Undrain" : "Drain",
        ),
      ),
  );
}

const field = (value: number | undefined, share: number, format: (value: number) => string): ComponentChildren =>
  value === undefined ? h("td", { class: "calm" }, "–") : h("td", { class: `h${heatOf(share)}` }, format(value));
