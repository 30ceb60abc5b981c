import { type ComponentChildren, h } from "preact";
import type { BudgetCounter, BudgetState, BudgetUnit } from "../../api/overview.ts";
import { Burn } from "../charts/bars.ts";
import { ago, compact, count, duration, money, percent } from "../format.ts";
import { addressOf } from "../router.ts";
import { Chip, Sign } from "./marks.ts";
import { Empty } from "./states.ts";

/** An amount in the unit of a limit. */
export function amountText(value: number, unit: BudgetUnit): string {
  if (unit === "nanodollars") return money(value);
  return `${value < 100_000 ? count(value) : compact(value)} ${unit}`;
}

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
  const { share, startsAtMs, endsAtMs, unit, used, amount } = counter;
  const even = startsAtMs === null || endsAtMs === null ? undefined : (now - startsAtMs) / (endsAtMs - startsAtMs);
  const tone = share >= 1 ? "bad" : counter.exhaustedAtMs !== null ? "warn" : "calm";
  const whose = budget.per === "principal" ? { q: counter.key } : {};
  const label = `${budget.name}, ${counter.limit}: ${percent(share)} used`;
  return h(
    "li",
    { class: "budget" },
    h(
      "div",
      { class: "title" },
      h("span", { class: "name", title: label }, budget.name, " ", h("small", null, counter.limit)),
      share >= 1 ? h(Sign, { icon: "stop", tone: "bad" }, "Used up") : h("b", null, percent(share)),
    ),
    h(Burn, { used: share, held: 0, even, tone, label }),
    h(
      "div",
      { class: "under" },
      h("span", { class: "key", title: counter.key }, counter.key === "" ? "all callers" : counter.key),
      h("span", null, `${amountText(used, unit)} of ${amountText(amount, unit)}`),
    ),
    (budget.mode === "shadow" || (counter.exhaustedAtMs !== null && share < 1)) &&
      h(
        "div",
        { class: "under" },
        counter.exhaustedAtMs !== null &&
          share < 1 &&
          h(Sign, { icon: "warn", tone: "warn" }, `used up ${ago(counter.exhaustedAtMs, now)} at this pace`),
        budget.mode === "shadow" && h(Chip, null, "shadow: refuses nothing"),
      ),
    h(
      "div",
      { class: "under" },
      share >= NEARLY
        ? h(
            "span",
            { class: "links" },
            h("a", { href: addressOf({ page: "chains", query: { ...whose, sort: "cost" } }) }, "Dearest chains"),
            h("a", { href: addressOf({ page: "chains", query: { ...whose, outcome: "limited" } }) }, "Refused calls"),
          )
        : h("span", null),
      endsAtMs !== null &&
        h("span", null, `filled up in ${duration(Math.max(0, Math.round((endsAtMs - now) / 1_000) * 1_000))}`),
    ),
  );
}
