import { matchTargets, targetNameOf } from "../../budgets/runaway/target-names.ts";
import type { Operation } from "../../core/operation.ts";
import { viewsOf } from "../../guardrails/views.ts";
import { accountOf } from "../live-chain.ts";
import { TaintWatch } from "../taint-watch.ts";
import type { StepDefinition } from "../step-definition.ts";

/* Whose words an answer holds. A list is the gateway's own making, of items that are judged one by one. */
const speaking: ReadonlySet<string> = new Set(["tool", "resource", "prompt", "agent", "task"]);

/** Marks the chain when a tool or another agent has said what reads like an instruction. Never changes or withholds an answer. */
export const taint: StepDefinition = {
  name: "taint",
  per: "operation",
  create({ accounts, taintConfig: { look, trusted }, readsTaint }) {
    if (look === "never" || (look === "auto" && !readsTaint)) return { name: "taint" };
    const isTrusted = matchTargets(trusted);
    return {
      name: "taint",
      answers({ operation, exchange, work }) {
        if (!operation.judged || !speaking.has(operation.target.kind) || isTrusted(operation)) return false;
        return work.answers !== undefined && accountOf(exchange.chain).taintedBy === undefined;
      },
      async answer(context, event) {
        const { operation, exchange, work } = context;
        const account = accountOf(exchange.chain);
        if (account.taintedBy !== undefined) return event;
        const form = context.taintWatch === undefined ? work.answers?.() : undefined;
        if (form !== undefined) context.taintWatch = new TaintWatch(form, viewsOf);
        if (context.taintWatch === undefined) return event;
        const found = await context.taintWatch.read(event);
        if (found === undefined || !accounts.taint(account, speakerOf(operation))) return event;
        const what = found === "length" ? "said too much to be read" : `said what reads like an instruction (${found})`;
        context.notes = [...(context.notes ?? []), `taint: ${speakerOf(operation)} ${what}`];
        exchange.log.warn({ chain: exchange.chain.id, by: speakerOf(operation), found }, "a chain is tainted");
        return event;
      },
    };
  },
};

function speakerOf(operation: Operation): string {
  const { kind } = operation.target;
  return `${kind === "task" ? "agent" : kind} ${targetNameOf(operation)}`;
}
