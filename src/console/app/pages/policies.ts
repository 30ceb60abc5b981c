import { type ComponentChildren, h } from "preact";
import { useState } from "preact/hooks";
import type { OperationRecord } from "../../api/chains.ts";
import type { Policies as PoliciesData, PolicyRule } from "../../api/policies.ts";
import { count, momentText, plural } from "../format.ts";
import { endOf, nameOfOperation } from "../parts/flow.ts";
import { Card, Outcome, PageHead } from "../parts/marks.ts";
import { OperationDetail } from "../parts/operation-detail.ts";
import { Effect } from "../parts/rule-text.ts";
import { RuleTrialCard } from "../parts/rule-trial.ts";
import { Empty, Loaded } from "../parts/states.ts";
import { setQuery } from "../place.ts";
import { useResource } from "../resource.ts";
import { addressOf, type Place } from "../router.ts";

const REFRESH_MS = 5_000;

/** The rules in force and what they did, why a recorded call ended as it did, and what another rule would change. */
export function Policies({ at }: { readonly at: Place }): ComponentChildren {
  const policies = useResource<PoliciesData>("/api/policies", { everyMs: REFRESH_MS });
  return h(
    "div",
    null,
    h(PageHead, { title: "Policies" }, "A call passes if an allow matches, no deny matches and every require holds."),
    h(
      "div",
      { class: "stack" },
      h(Loaded<PoliciesData>, {
        from: policies,
        children: (data) => h(Rules, { policies: data, named: at.query["rule"] }),
      }),
      h(Explain, { operation: at.query["op"], chain: at.query["chain"] }),
      h(RuleTrialCard, { effect: at.query["effect"], expression: at.query["try"], on: at.query["on"] }),
    ),
  );
}

function Rules({
  policies,
  named,
}: {
  readonly policies: PoliciesData;
  readonly named: string | undefined;
}): ComponentChildren {
  const { rules, mode, policyHash, deniedByDefault } = policies;
  const title = `${plural(rules.length, "rule")} in force`;
  if (mode === "open")
    return h(
      Card,
      { title: "No rules" },
      h(
        Empty,
        { icon: "policies", title: "Policies are open" },
        "Every caller with a credential may do everything. Put rules into `policies` of the configuration; try one below first.",
      ),
    );
  return h(
    Card,
    {
      title,
      note: [
        `Hash ${policyHash.slice(0, 12)}`,
        deniedByDefault > 0 && [
          "; ",
          h("a", { href: addressOf({ page: "chains", query: { rule: "default" } }) }, plural(deniedByDefault, "call")),
          " that no rule allowed",
        ],
      ],
    },
    h(
      "div",
      { class: "scroll-x", tabIndex: 0, role: "region", "aria-label": title },
      h(
        "table",
        { class: "simple rules" },
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            ["Rule", "Effect", "Judges", "Expression"].map((word) => h("th", { key: word }, word)),
            h("th", { class: "number" }, "Decided"),
            h("th", null, h("span", { class: "unseen" }, "Try")),
          ),
        ),
        h(
          "tbody",
          null,
          rules.map((rule) => h(RuleRow, { key: rule.name, rule, current: rule.name === named })),
        ),
      ),
    ),
  );
}

const protocolCount = 4;

function RuleRow({ rule, current }: { readonly rule: PolicyRule; readonly current: boolean }): ComponentChildren {
  const { name, effect, on, expression, source, scopes, shadow } = rule;
  return h(
    "tr",
    { class: current ? "current" : "" },
    h("td", null, h("b", null, name), h("br", null), h("small", { class: "calm" }, source)),
    h("td", null, h(Effect, { of: effect, shadow })),
    h("td", { class: "whole-words" }, on.length >= protocolCount ? "all" : on.join(", ")),
    h(
      "td",
      null,
      h("code", null, expression),
      scopes.length > 0 && h("small", { class: "calm" }, ` and scopes ${scopes.join(" ")}`),
    ),
    h("td", { class: "number" }, h(Decided, { rule })),
    h(
      "td",
      null,
      h(
        "button",
        {
          class: "button small",
          type: "button",
          "aria-label": `Try a change of ${name}`,
          onClick: () => setQuery({ effect, try: expression, on: on.join(",") }),
        },
        "Try",
      ),
    ),
  );
}

/** How often it decided; what it refused leads to those chains. */
function Decided({ rule: { name, shadow, hits } }: { readonly rule: PolicyRule }): ComponentChildren {
  if (shadow) return `${count(hits.shadow)} in shadow`;
  const decided = count(hits.allowed + hits.denied);
  if (hits.denied === 0) return decided;
  return h(
    "a",
    { href: addressOf({ page: "chains", query: { rule: name } }), title: "The chains it refused calls of" },
    decided,
  );
}

interface Journal {
  readonly records: readonly OperationRecord[];
}

interface ExplainProps {
  readonly operation: string | undefined;
  /** The chain of the operation, where it is known. */
  readonly chain: string | undefined;
}

/** Why a call ended as it did: of those refused last, or any by its id. */
function Explain({ operation, chain }: ExplainProps): ComponentChildren {
  const refused = useResource<Journal>("/api/journal?outcome=denied&limit=8", { everyMs: REFRESH_MS });
  const [id, setId] = useState("");
  const submit = (event: Event): void => {
    event.preventDefault();
    if (id.trim() !== "") setQuery({ op: id.trim(), chain: "" });
  };
  return h(
    Card,
    { title: "Explain a call", note: "The last that policy refused, or any other by the id of its operation" },
    h(
      "div",
      { class: "stack" },
      h(
        "form",
        { class: "filters", onSubmit: submit },
        h(
          "label",
          { class: "field grow" },
          "Operation or request id",
          h("input", {
            type: "search",
            "data-search": true,
            value: id,
            onInput: (event: Event) => setId((event.currentTarget as HTMLInputElement).value),
          }),
        ),
        h("button", { class: "button", type: "submit" }, "Explain"),
      ),
      h(
        "div",
        { class: operation === undefined ? "stack" : "with-detail" },
        h(Loaded<Journal>, {
          from: refused,
          low: true,
          children: ({ records }) =>
            records.length === 0
              ? h("p", { class: "calm" }, "Nothing has been refused: there is nothing to explain.")
              : h(
                  "ul",
                  { class: "top-list" },
                  records.map((record) =>
                    h(
                      "li",
                      { key: record.operationId },
                      h(
                        "button",
                        {
                          class: "name link",
                          type: "button",
                          "aria-pressed": record.operationId === operation,
                          onClick: () => setQuery({ op: record.operationId, chain: record.chainId }),
                        },
                        nameOfOperation(record),
                        " ",
                        h(
                          "small",
                          null,
                          record.decision === undefined || record.decision.allow
                            ? (record.kind ?? "")
                            : `by ${record.decision.rule}`,
                        ),
                      ),
                      h(
                        "span",
                        { class: "value" },
                        h(Outcome, { of: endOf(record) }),
                        h("small", null, momentText(record.timeMs, Date.now())),
                      ),
                    ),
                  ),
                ),
        }),
        operation !== undefined &&
          h(OperationDetail, { key: operation, id: operation, chain, onClose: () => setQuery({ op: "", chain: "" }) }),
      ),
    ),
  );
}
