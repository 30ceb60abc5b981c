import type { JournalRecord } from "../observability/journal-record.ts";
import type { BudgetRefusal } from "./api/chains.ts";
import type { PolicyRule } from "./api/policies.ts";

/** What could be done so that an operation like this one would end otherwise; nothing where it went well. */
export function adviceOn(
  record: JournalRecord,
  rule: PolicyRule | undefined,
  refusal: BudgetRefusal | undefined,
): readonly string[] {
  const { decision, outcome } = record;
  if (decision?.allow === false) return onDenial(decision, rule, record);
  if (refusal !== undefined) return onBudget(refusal, record);
  return outcome === "ok" || outcome === "aborted" ? [] : onFailure(record);
}

function onDenial(
  { rule: name, reason = "" }: NonNullable<JournalRecord["decision"]>,
  rule: PolicyRule | undefined,
  { principal }: JournalRecord,
): readonly string[] {
  if (name === "default")
    return [
      "No allow rule covers it. Write one, and try it on recorded calls before it counts.",
      `Or give the caller what an existing rule asks for: it has ${principal.groups === undefined ? "no groups" : `the groups ${principal.groups.join(", ")}`}.`,
    ];
  if (rule === undefined && name.startsWith("guard "))
    return [
      "A guard of `guardrails` refused what was said, whatever the rules allow. It is listed there by its type; `where` narrows it to some calls.",
    ];
  if (/lacks the scope/.test(reason))
    return ["The caller was asked to step up: its client can ask for a token with the scopes that are named."];
  if (rule === undefined)
    return [
      `The rule "${name}" is not among those in force: it was changed or removed since, and the same call may pass now.`,
    ];
  const change = rule.effect === "require" ? "holds for this call" : "does not match this call";
  return [
    `The rule is at ${rule.source}. Change it so that it ${change}, or give the caller what it asks for.`,
    "With `mode: shadow` it decides nothing and records what it would have done.",
  ];
}

function onBudget(
  { budget, unit, amount, needed, resetsAtMs }: BudgetRefusal,
  { charges }: JournalRecord,
): readonly string[] {
  const advice: string[] = [];
  if (needed > amount)
    advice.push(
      "It can never fit: the call asks for more than the whole budget. A smaller prompt, or a bound on the answer (`max_tokens`), makes it smaller.",
    );
  else if (resetsAtMs === undefined)
    advice.push("This limit has no window and is not filled up again: it ends with its chain.");
  advice.push(
    `\`onExhausted: fallback\` of the budget ${budget} lets a cheaper model step in, \`queue\` lets calls wait.`,
  );
  if (unit !== "calls" && charges === undefined)
    advice.push("Room is held for the longest answer the caller asks for: a lower `max_tokens` needs less.");
  return advice;
}

/* By the kind of the error. */
const hints: Readonly<Record<string, string>> = {
  rate_limited:
    "The caller, or an upstream, was asked to slow down: see `admission.rate`, and the status of the upstream.",
  runaway_stopped: "The agent repeated itself and was stopped: see `runaway` in the configuration.",
  overloaded: "The gateway or the pool had no room: see `admission`, and the pool's endpoints.",
  not_found: "Nothing of this name is configured, or the caller may not see it.",
  upstream_unavailable: "The upstream could not be reached: is it running, at the address in the configuration?",
  upstream_timeout: "The upstream took too long: see its timeouts in the configuration.",
  upstream_invalid: "The upstream answered something that is no answer: is the address right, and its credential?",
  upstream_truncated: "The upstream broke off in the middle of its answer.",
  budget_exhausted:
    "A budget in dollars cannot reckon with a model without a price: state `price`, or set `unknownPrice: allow`.",
  state_unavailable: "The state store did not answer: what needs it was refused.",
  too_large: "The request is larger than `limits.body` allows.",
};

function onFailure({ kind, failed = [] }: JournalRecord): readonly string[] {
  const hint = hints[kind ?? ""];
  return [
    ...(hint === undefined ? [] : [hint]),
    ...(failed.length === 0 && kind?.startsWith("upstream") === true
      ? ["With `fallback` another model steps in."]
      : []),
  ];
}
