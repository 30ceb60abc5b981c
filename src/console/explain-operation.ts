import type { JournalRecord } from "../observability/journal-record.ts";
import type { BudgetRefusal } from "./api/chains.ts";
import type { ExplainedOperation, ExplainedStep, PolicyRule } from "./api/policies.ts";
import { adviceOn } from "./advice.ts";
import { formatAmount } from "./amount-text.ts";
import { type CounterUseSource, findCounterUse } from "./counter-use.ts";

/** One record in words: what each step made of it, and what could be done. `rules` are those in force, named by `policyHash`. */
export async function explainOperation(
  record: JournalRecord,
  uses: CounterUseSource,
  { rules, policyHash }: { readonly rules: readonly PolicyRule[]; readonly policyHash: string },
): Promise<ExplainedOperation> {
  const rule = rules.find(({ name }) => name === record.decision?.rule);
  const refusal = record.kind === "budget_exhausted" ? record.refusals?.at(-1) : undefined;
  return {
    record,
    summary: summaryOf(record, refusal),
    steps: stepsOf(record, rule),
    advice: adviceOn(record, rule, refusal),
    ...(rule !== undefined && { rule }),
    sameRules: record.policyHash === policyHash,
    ...(refusal !== undefined && { usedBy: await findCounterUse(refusal, record, uses) }),
  };
}

const targetText = ({ target: { kind, name, server } }: JournalRecord): string =>
  name === "" ? "the server" : `${kind} ${name}${server === "" || server === name ? "" : ` of ${server}`}`;

export const roomText = ({ budget, limit, key, unit, amount, used, needed }: BudgetRefusal): string =>
  `the budget ${budget} (${limit}${key === "" ? "" : `, of ${key}`}) had ${formatAmount(Math.max(0, amount - used), unit)} left of ${formatAmount(amount, unit)}, and this call needed room for ${formatAmount(needed, unit)}`;

function summaryOf(record: JournalRecord, refusal: BudgetRefusal | undefined): string {
  const { outcome, decision, kind, durationMs, candidate, upstreamStatus } = record;
  const what = `${record.method} of ${targetText(record)}`;
  if (decision?.allow === false)
    return `${what} was denied by ${ruleText(decision.rule)}: ${decision.reason ?? "no reason was recorded"}.`;
  if (refusal !== undefined) return `${what} was refused: ${roomText(refusal)}.`;
  if (outcome === "ok")
    return `${what} was answered${candidate === undefined ? "" : ` by ${candidate}`} in ${Math.round(durationMs)} ms.`;
  if (outcome === "aborted") return `${what} ended because its caller left after ${Math.round(durationMs)} ms.`;
  if (outcome === "drained") return `${what} ended because the gateway stopped.`;
  return `${what} failed: ${(kind ?? "unknown").replaceAll("_", " ")}${upstreamStatus === undefined ? "" : `, the upstream answered ${upstreamStatus}`}.`;
}

/* As the guard step notes it. */
const isGuardRule = (rule: string): boolean => rule.startsWith("guard ");

const ruleText = (rule: string): string =>
  rule === "default" ? "default, since no rule allowed it" : isGuardRule(rule) ? rule : `the rule "${rule}"`;

function stepsOf(record: JournalRecord, rule: PolicyRule | undefined): readonly ExplainedStep[] {
  const { principal, decision, charges = [], refusals = [], picks = [], failed = [], notes = [], candidate } = record;
  const { upstreamStatus, firstByteMs, costNanos, usage } = record;
  const groups = principal.groups?.join(", ") ?? "none";
  const { tenant: counted } = record;
  const steps: ExplainedStep[] = [
    {
      step: "caller",
      verdict: "info",
      text: `${principal.id}${principal.tenant === "" ? "" : ` of tenant ${principal.tenant}`}${counted === undefined ? "" : `, counted for tenant ${counted}`}, groups: ${groups}${principal.actors.length === 0 ? "" : `, acted for by ${principal.actors.map(({ subject }) => subject).join(", ")}`}`,
    },
  ];
  if (decision === undefined)
    steps.push({ step: "policy", verdict: "info", text: "It ended before policy was asked." });
  else {
    const isGuard = rule === undefined && isGuardRule(decision.rule);
    steps.push({
      step: isGuard ? "guards" : "policy",
      verdict: decision.allow ? "ok" : "refused",
      text: `${decision.allow ? "allowed" : "denied"} by ${ruleText(decision.rule)}${decision.reason === undefined ? "" : `; ${decision.reason}`}`,
    });
    for (const { rule: name, would } of decision.shadow ?? [])
      steps.push({ step: "policy", verdict: "info", text: `"${name}", in shadow mode, would ${would} it` });
  }
  for (const note of notes)
    steps.push({
      step: note.startsWith("cache: ") ? "cache" : / chose | stays with |complexity/.test(note) ? "routing" : "note",
      verdict: "info",
      text: note,
    });
  for (const refusal of refusals) steps.push({ step: "budget", verdict: "refused", text: roomText(refusal) });
  for (const { name, reason } of failed)
    steps.push({
      step: "candidates",
      verdict: "failed",
      text: `${name} did not answer: ${reason.replaceAll("_", " ")}`,
    });
  for (const { budget, limit, key, unit, reserved, booked } of charges)
    steps.push({
      step: "budget",
      verdict: "ok",
      text: `${budget} (${limit}${key === "" ? "" : `, of ${key}`}): ${formatAmount(reserved, unit)} held, ${formatAmount(booked, unit)} taken`,
    });
  for (const { pool, picked, of } of picks)
    steps.push({ step: "pick", verdict: "info", text: `${picked} of pool ${pool}, out of ${of.length}` });
  if (upstreamStatus !== undefined || firstByteMs !== undefined)
    steps.push({
      step: "upstream",
      verdict: record.outcome === "ok" ? "ok" : "failed",
      text: `${candidate ?? record.target.server} answered${upstreamStatus === undefined ? "" : ` ${upstreamStatus}`}${firstByteMs === undefined ? "" : `, the first byte after ${Math.round(firstByteMs)} ms`}`,
    });
  if (costNanos !== undefined)
    steps.push({
      step: "cost",
      verdict: "info",
      text: `${formatAmount(costNanos, "nanodollars")}${usage === undefined ? "" : ` for ${usage.inputTokens ?? 0} tokens in and ${usage.outputTokens ?? 0} out`}`,
    });
  return steps;
}
