import { type ComponentChildren, h } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { RuleTrial, TrialCase, TriedRule } from "../../api/policies.ts";
import { ApiError, ask } from "../api.ts";
import { StackedBar } from "../charts/bars.ts";
import { count, dateAndTime, momentText, plural } from "../format.ts";
import { principalName } from "../principal.ts";
import { addressOf } from "../router.ts";
import { Card, Protocol, Sign } from "./marks.ts";

const effects = ["deny", "require", "allow"] as const;
type Effect = (typeof effects)[number];
const protocols = ["mcp", "a2a", "llm", "http"] as const;

const examples: Readonly<Record<Effect, string>> = {
  deny: 'mcp.tool.name.startsWith("delete_")',
  require: "chain.depth <= 3",
  allow: '"analyst" in principal.groups',
};

interface RuleTrialProps {
  readonly effect: string | undefined;
  readonly expression: string | undefined;
  /** The protocols it judges, with commas between them. */
  readonly on: string | undefined;
}

/* A rule may read only what all its protocols have: one that speaks of a tool judges tools. */
function protocolsOf(expression: string): readonly string[] {
  const named = protocols.filter((name) => new RegExp(String.raw`\b${name}\.`).test(expression));
  return named.length === 0 ? protocols : named;
}

/** A rule that is not in force, tried on recorded calls. */
export function RuleTrialCard(given: RuleTrialProps): ComponentChildren {
  const first = effects.find((name) => name === given.effect) ?? "deny";
  const [effect, setEffect] = useState<Effect>(first);
  const [expression, setExpression] = useState(given.expression ?? "");
  const [chosen, setChosen] = useState<readonly string[] | undefined>(given.on?.split(","));
  const on = chosen ?? protocolsOf(expression);
  const [trial, setTrial] = useState<RuleTrial | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (given.expression === undefined) return;
    setExpression(given.expression);
    setEffect(first);
    setChosen(given.on?.split(","));
    document.getElementById("expression")?.focus();
  }, [given.expression, given.effect, given.on]);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    try {
      const rule: TriedRule = { [effect]: expression, ...(on.length < protocols.length && { on }) };
      setTrial(await ask<RuleTrial>("/api/policies/try", { body: rule }));
      setProblem(undefined);
    } catch (thrown) {
      setTrial(undefined);
      setProblem(thrown instanceof ApiError ? thrown.message : String(thrown));
    }
    setBusy(false);
  }

  return h(
    Card,
    { title: "Try a rule", note: "What it would have done to the last 1,000 calls on record. Nothing changes." },
    h(
      "form",
      { class: "stack", onSubmit: (event: Event) => void submit(event) },
      h(
        "div",
        { class: "filters" },
        h(
          "label",
          { class: "field" },
          "Effect",
          h(
            "select",
            {
              value: effect,
              onChange: (event: Event) => setEffect((event.currentTarget as HTMLSelectElement).value as Effect),
            },
            effects.map((name) => h("option", { key: name, value: name }, name)),
          ),
        ),
        h(
          "fieldset",
          { class: "checks" },
          h("legend", null, "Judges"),
          h(
            "div",
            null,
            protocols.map((name) =>
              h(
                "label",
                { key: name, class: "check" },
                h("input", {
                  type: "checkbox",
                  checked: on.includes(name),
                  onChange: () => setChosen(on.includes(name) ? on.filter((other) => other !== name) : [...on, name]),
                }),
                h(Protocol, { of: name }),
              ),
            ),
          ),
        ),
      ),
      h(
        "label",
        { class: "field" },
        "Expression (CEL)",
        h("textarea", {
          id: "expression",
          required: true,
          rows: 3,
          spellcheck: false,
          placeholder: examples[effect],
          value: expression,
          ...(problem !== undefined && { "aria-invalid": "true", "aria-describedby": "problem" }),
          onInput: (event: Event) => setExpression((event.currentTarget as HTMLTextAreaElement).value),
        }),
      ),
      problem !== undefined && h("pre", { class: "expression why bad", id: "problem", role: "alert" }, problem),
      h(
        "p",
        null,
        h(
          "button",
          { class: "button main", type: "submit", disabled: busy || on.length === 0 },
          busy ? "Trying" : "Try it",
        ),
      ),
    ),
    h("div", { role: "status" }, trial !== undefined && h(Result, { trial })),
  );
}

function Result({ trial }: { readonly trial: RuleTrial }): ComponentChildren {
  const { of, tried, looked, newlyDenied, newlyAllowed, unchanged, undecidable, failed, failures, coversSinceMs } =
    trial;
  const parts = [
    { key: "ok", word: "unchanged", value: unchanged },
    { key: "denied", word: "newly denied", value: newlyDenied },
    { key: "llm", word: "newly allowed", value: newlyAllowed },
    { key: "aborted", word: "cannot be told", value: undecidable },
  ];
  if (looked === 0) return h("p", { class: "calm after" }, "There is no call on record yet to try it on.");
  return h(
    "div",
    { class: "stack close after" },
    h(
      "p",
      null,
      h(
        "b",
        null,
        `Of ${plural(looked, "call")}: ${count(newlyDenied)} newly denied, ${count(newlyAllowed)} newly allowed, ${count(unchanged)} unchanged`,
      ),
      undecidable > 0 && `, ${count(undecidable)} that cannot be told (the journal keeps no arguments and no words)`,
      coversSinceMs !== null && `, since ${dateAndTime(coversSinceMs)}`,
      ".",
      tried < of && ` It takes long: looked at ${count(tried)} of ${plural(of, "record")}, the newest.`,
    ),
    failed > 0 && h(Failures, { failed, failures }),
    h(StackedBar, { label: "What would change", parts }),
    trial.cases.length > 0 && h(Cases, { cases: trial.cases }),
  );
}

/** Where the expression breaks down, and why. */
const Failures = ({ failed, failures }: Pick<RuleTrial, "failed" | "failures">): ComponentChildren =>
  h(
    "div",
    { class: "why bad" },
    h("strong", null, `The expression fails on ${plural(failed, "call")}. A rule that fails lets nothing pass.`),
    h(
      "ul",
      null,
      failures.map(({ reason, calls }) =>
        h("li", { key: reason }, h("code", null, reason), ` on ${plural(calls, "call")}`),
      ),
    ),
  );

const would = {
  deny: () => h(Sign, { icon: "stop", tone: "warn" }, "would be denied"),
  allow: () => h(Sign, { icon: "good", tone: "good" }, "would pass"),
  unknown: () => h(Sign, { icon: "clock", tone: "calm" }, "cannot be told"),
} as const;

const reasonOf = ({ missing, failed }: TrialCase): ComponentChildren => {
  if (failed !== undefined) return h("small", { title: failed }, "the expression fails");
  return missing !== undefined && h("small", null, missing);
};

const SHOWN = 20;

const Cases = ({ cases }: { readonly cases: readonly TrialCase[] }): ComponentChildren =>
  h(
    "ul",
    { class: "top-list" },
    cases
      .slice(0, SHOWN)
      .map((one) =>
        h(
          "li",
          { key: one.operationId },
          h(
            "a",
            { class: "name", href: addressOf({ page: "chains", id: one.chainId, query: { op: one.operationId } }) },
            one.target || one.method,
            " ",
            h("small", null, `${principalName(one.principal)}, ${momentText(one.timeMs, Date.now())}`),
          ),
          h("span", { class: "value" }, would[one.would](), reasonOf(one)),
        ),
      ),
    cases.length > SHOWN && h("li", { class: "calm" }, `and ${count(cases.length - SHOWN)} more`),
  );
