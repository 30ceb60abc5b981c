import type { JournalRecord } from "../observability/journal-record.ts";
import { visibleText } from "../core/visible-text.ts";
import { formatDollars } from "../budgets/money.ts";
import { roomText } from "../console/explain-operation.ts";
import { openAdminClient } from "./admin-client.ts";
import { defineCommand, UsageError } from "./command.ts";
import { describeChain, failuresOf, type ShownChain } from "./describe-chain.ts";
import { gatewayOptions } from "./find-gateway.ts";

const MOST = 1_000;

interface JournalPage {
  readonly records: readonly JournalRecord[];
  readonly next?: string;
}

export const journalCommand = defineCommand({
  usage: "[--request ID] [--chain ID] [--principal ID] [--target NAME] [--outcome OUTCOME] [--limit N] [--json]",
  options: {
    ...gatewayOptions,
    request: { type: "string", value: "ID", description: "x-request-id of an answer" },
    chain: {
      type: "string",
      value: "ID",
      description: "what one request set off, as a tree with its cost: x-request-id of any request in it",
    },
    principal: { type: "string", value: "ID", description: "who called, ISSUER#SUBJECT" },
    target: { type: "string", value: "NAME", description: "the tool, resource, prompt, agent or model" },
    outcome: { type: "string", value: "OUTCOME", description: "denied, failed, aborted or drained" },
    limit: { type: "string", value: "N", default: "20", description: `how many, the newest first; at most ${MOST}` },
    json: { type: "boolean", description: "one JSON object a line, with everything that is known" },
  },
  async run({ options, out: print, err }) {
    /* Names are what callers sent. */
    const out = (line: string) => print(visibleText(line));
    const { request, chain, principal, target, outcome } = options;
    const limit = Number(options.limit);
    if (!Number.isInteger(limit) || limit < 1 || limit > MOST)
      throw new UsageError(`--limit takes a number from 1 to ${MOST}, not "${options.limit}"`);
    const given = Object.entries({ request, chain, principal, target, outcome });
    const conditions = given.filter((entry): entry is [string, string] => entry[1] !== undefined);
    const admin = openAdminClient(options);
    if (chain !== undefined && conditions.length === 1 && !options.json) {
      const shown = (await admin.call("GET", `/api/chains/${encodeURIComponent(chain)}`)) as ShownChain;
      for (const line of describeChain(shown)) out(line);
      return 0;
    }
    let shown = 0;
    for (let after: string | undefined; shown < limit;) {
      const query = new URLSearchParams(conditions);
      query.set("limit", `${limit - shown}`);
      if (after !== undefined) query.set("after", after);
      const { records, next } = (await admin.call("GET", `/api/journal?${query}`)) as JournalPage;
      for (const record of records)
        for (const line of options.json ? [JSON.stringify(record)] : describe(record)) out(line);
      shown += records.length;
      if (next === undefined) break;
      after = next;
    }
    if (shown === 0)
      err("The journal has no such record: only calls of known callers are in it, for as long as it keeps them.");
    return 0;
  },
});

/** When, what, how it ended, what it took and what it cost; why, and what was noted; and the ids to go on with. */
function describe(record: JournalRecord): string[] {
  const {
    timeMs,
    method,
    target,
    outcome,
    durationMs,
    decision,
    kind,
    upstreamStatus,
    costNanos = 0,
    usage,
    ...who
  } = record;
  const { kind: targetKind, server, name } = target;
  const { tenant = who.principal.tenant } = who;
  const what = [
    `${who.protocol} ${method}`,
    ...(name === "" ? [] : [`${targetKind} ${name}`]),
    ...(server === "" || server === name ? [] : [`of ${server}`]),
  ];
  const why = [
    ...(decision === undefined
      ? []
      : [
          `${decision.allow ? "allowed" : "denied"} by ${decision.rule}${decision.reason === undefined ? "" : `: ${decision.reason}`}`,
        ]),
    ...(kind === undefined || kind === outcome ? [] : [kind]),
    ...(upstreamStatus === undefined ? [] : [`upstream ${upstreamStatus}`]),
    ...failuresOf(record),
  ];
  const used = [
    `${durationMs} ms`,
    ...(usage === undefined ? [] : [`${usage.inputTokens ?? "?"} + ${usage.outputTokens ?? "?"} tokens`]),
    ...(costNanos === 0 ? [] : [formatDollars(costNanos)]),
  ];
  return [
    `${new Date(timeMs).toISOString()}  ${outcome}  ${what.join(" ")}  ${used.join("  ")}`,
    ...(why.length === 0 ? [] : [`  ${why.join("; ")}`]),
    ...(record.picks ?? []).map(({ pool, picked }) => `  ${picked} of pool ${pool}`),
    ...(record.refusals ?? []).map((refusal) => `  ${roomText(refusal)}`),
    ...(who.notes ?? []).map((note) => `  ${note}`),
    `  ${who.principal.id}${tenant === "" ? "" : `  tenant ${tenant}`}`,
    `  request ${who.requestId}${who.chainId === who.requestId ? "" : `  chain ${who.chainId}`}`,
  ];
}
