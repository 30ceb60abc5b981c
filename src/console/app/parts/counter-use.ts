import { type ComponentChildren, h } from "preact";
import type { BudgetRefusal } from "../../api/chains.ts";
import type { ChainUse, CounterUse, PrincipalUse } from "../../api/policies.ts";
import { Bar, Burn } from "../charts/bars.ts";
import { dateAndTime, onDayAt, percent, plural } from "../format.ts";
import { addressOf } from "../router.ts";
import { amountText, partText } from "./budget-list.ts";
import { Principal } from "./marks.ts";

interface CounterUseProps {
  readonly use: CounterUse | undefined;
  /** How full the counter was, and what had no room in it. */
  readonly refusal: BudgetRefusal;
}

/** Who used up the counter that had no room: callers and chains with their shares of the limit, and of each chain the call that took most. */
export function WhoUsedIt({ use, refusal }: CounterUseProps): ComponentChildren {
  const { budget, limit, used, amount, needed, unit, resetsAtMs } = refusal;
  const label = `${budget}, ${limit}: ${partText(used, amount, unit)} used`;
  return h(
    "div",
    { class: "stack close" },
    h(
      "div",
      null,
      h("h3", null, "Who used it up"),
      h(Burn, { used: used / amount, held: needed / amount, tone: "bad", label }),
      h(
        "p",
        { class: "hint" },
        h("b", null, budget),
        ` ${limit}: ${partText(used, amount, unit)} used`,
        resetsAtMs !== undefined && `, resets ${onDayAt(resetsAtMs, Date.now())}`,
        ".",
      ),
    ),
    use !== undefined && use.calls > 0
      ? h(Users, { use })
      : h("p", { class: "calm" }, "The journal has none of the calls that were charged in it."),
  );
}

const SHOWN = 5;

function Users({ use }: { readonly use: CounterUse }): ComponentChildren {
  const { chains, principals, budget, limit, key, startsAtMs, complete, exact, coversSinceMs, calls } = use;
  const address = addressOf({
    page: "chains",
    query: { charged: budget, under: limit, key, sort: "used", ...(startsAtMs !== null && { from: `${startsAtMs}` }) },
  });
  return [
    principals.length > 1 && [
      h("h4", { key: "callers" }, "Callers"),
      h(Principals, { key: "principals", use }),
      h("h4", { key: "of chains" }, "Chains, and of each the call that took most"),
    ],
    h(
      "ul",
      { key: "chains", class: "top-list", "aria-label": "Chains that used most of it" },
      chains.slice(0, SHOWN).map((chain) => h(ChainLine, { key: chain.chainId, chain, use })),
    ),
    h(
      "p",
      { key: "all", class: "hint" },
      h("a", { href: address }, "All chains that used it"),
      ` (${plural(calls, "call")}`,
      !complete && coversSinceMs !== null && `; looked back to ${dateAndTime(coversSinceMs)}`,
      !exact && "; at least so much each",
      ")",
    ),
  ];
}

const Principals = ({ use: { principals, unit } }: { readonly use: CounterUse }): ComponentChildren =>
  h(
    "ul",
    { class: "top-list", "aria-label": "Callers that used most of it" },
    principals
      .slice(0, SHOWN)
      .map((one) =>
        h(
          "li",
          { key: one.principal },
          h("span", { class: "name" }, h(Principal, { id: one.principal })),
          h(Taken, { of: one, unit }),
        ),
      ),
  );

const Taken = ({ of, unit }: { readonly of: PrincipalUse; readonly unit: CounterUse["unit"] }): ComponentChildren => [
  h("span", { key: "taken", class: "value" }, amountText(of.booked, unit), h("small", null, percent(of.share))),
  h(Bar, { key: "bar", share: of.share }),
];

/** A chain leads to the call that took most of it: the one to look at. */
const ChainLine = ({
  chain,
  use: { unit },
}: {
  readonly chain: ChainUse;
  readonly use: CounterUse;
}): ComponentChildren =>
  h(
    "li",
    null,
    h(
      "a",
      {
        class: "name",
        href: addressOf({ page: "chains", id: chain.chainId, query: { op: chain.dearest.operationId } }),
      },
      chain.dearest.target,
    ),
    h(Taken, { of: chain, unit }),
    h("small", { class: "whole" }, h(Principal, { id: chain.principal }), inCallsText(chain, unit)),
  );

/** Whether it was one call or the number of them. */
function inCallsText({ calls, booked, dearest }: ChainUse, unit: CounterUse["unit"]): string {
  if (calls === 1) return ", in one call";
  const most = amountText(dearest.booked, unit);
  return dearest.booked * 2 > booked
    ? `, ${most} of it in one of ${plural(calls, "call")}`
    : `, in ${plural(calls, "call")} of at most ${most}`;
}
