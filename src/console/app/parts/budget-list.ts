import { type ComponentChildren, h } from "preact";
import type { BudgetCounter, BudgetState, BudgetUnit } from "../../api/overview.ts";
import { Burn } from "../charts/bars.ts";
import { ago, compact, count, duration, money, percent } from "../format.ts";
import { addressOf } from "../router.ts";
import { Chip, Principal, Sign } from "./marks.ts";
import { Empty } from "./states.ts";

/** An amount in the unit of a limit. */
export function amountText(value: number, unit: BudgetUnit): string {
  if (unit === "nanodollars") return money(value);
  return `${amountOnly(value, unit)} ${value === 1 ? unit.slice(0, -1) : unit}`;
}

const amountOnly = (value: number, unit: BudgetUnit): string =>
  unit === "nanodollars" ? money(value) : value < 100_000 ? count(value) : compact(value);

/** How much of how much, the unit once. */
export const partText = (value: number, whole: number, unit: BudgetUnit): string =>
  `${amountOnly(value, unit)} of ${amountText(whole, unit)}`;

interface BudgetListProps {
  readonly budgets: readonly BudgetState[];
  readonly now: number;
  /** How many counters are shown. */
  readonly most?: number;
}

/** Budgets burning down, the fullest first. */
export function BudgetList({ budgets, now, most = 6 }: BudgetListProps): ComponentChildren {
  const lines = budgets
    .flatMap((budget) => budget.counters.map((counter) => ({ budget, counter })))
    .toSorted((one, other) => other.counter.share - one.counter.share);
  if (budgets.length === 0)
    return h(
      Empty,
      { icon: "clock", title: "No budgets" },
      "Limits on tokens, calls and money go into `budgets` of the configuration.",
    );
  if (lines.length === 0)
    return h("p", { class: "calm" }, `Nothing is used of ${budgets.map(({ name }) => name).join(", ")}.`);
  const more = lines.length - most + budgets.reduce((sum, budget) => sum + budget.more, 0);
  return h(
    "ul",
    null,
    lines
      .slice(0, most)
      .map(({ budget, counter }) =>
        h(Line, { key: `${budget.name} ${counter.limit} ${counter.key}`, budget, counter, now }),
      ),
    more > 0 && h("li", { class: "budget calm" }, `and ${count(more)} more, less used`),
  );
}

/* From then on somebody wants to know who uses it. */
const NEARLY = 0.5;

interface LineProps {
  readonly budget: BudgetState;
  readonly counter: BudgetCounter;
  readonly now: number;
}

function Line({ budget, counter, now }: LineProps): ComponentChildren {
  const { share, startsAtMs, endsAtMs, unit, used, amount, key, limit } = counter;
  const even = startsAtMs === null || endsAtMs === null ? undefined : (now - startsAtMs) / (endsAtMs - startsAtMs);
  const tone = share >= 1 ? "bad" : counter.exhaustedAtMs !== null ? "warn" : "calm";
  const label = `${budget.name}, ${limit}: ${percent(share)} used`;
  const soon = counter.exhaustedAtMs !== null && share < 1;
  return h(
    "li",
    { class: "budget" },
    h(
      "div",
      { class: "title" },
      h("span", { class: "name", title: label }, budget.name, " ", h("small", null, limit)),
      share >= 1 ? h(Sign, { icon: "stop", tone: "bad" }, "Used up") : h("b", null, percent(share)),
    ),
    h(Burn, { used: share, held: 0, even, tone, label }),
    h(
      "div",
      { class: "under" },
      h(
        "span",
        { class: "key" },
        key === "" ? "all callers" : h(Principal, { id: key }),
        endsAtMs !== null && `, resets in ${duration(coarse(endsAtMs - now))}`,
      ),
      h("span", null, partText(used, amount, unit)),
    ),
    (share >= NEARLY || soon || budget.mode === "shadow") &&
      h(
        "div",
        { class: "under" },
        share >= NEARLY && h(Links, { budget, counter }),
        soon && h(Sign, { icon: "warn", tone: "warn" }, `used up ${ago(counter.exhaustedAtMs ?? 0, now)} at this pace`),
        budget.mode === "shadow" && h(Chip, null, "shadow: refuses nothing"),
      ),
  );
}

/* Seconds count in the last minutes alone. */
const coarse = (ms: number): number => {
  const unit = ms > 600_000 ? 60_000 : 1_000;
  return Math.max(0, Math.round(ms / unit) * unit);
};

/** Who used this counter, and whom it refused. */
const Links = ({
  budget: { name, per },
  counter: { limit, key, startsAtMs },
}: Omit<LineProps, "now">): ComponentChildren => {
  const whose: Readonly<Record<string, string>> = per === "principal" ? { q: key } : {};
  const from: Readonly<Record<string, string>> = startsAtMs === null ? {} : { from: `${startsAtMs}` };
  return h(
    "span",
    { class: "links" },
    h(
      "a",
      { href: addressOf({ page: "chains", query: { charged: name, under: limit, key, sort: "used", ...from } }) },
      "Who used it",
    ),
    h("a", { href: addressOf({ page: "chains", query: { budget: name, ...whose, ...from } }) }, "Refused calls"),
  );
};
