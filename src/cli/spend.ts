import { formatDollars } from "../budgets/money.ts";
import type { SpendReport } from "../budgets/spend/spend.ts";
import { spendKeys, spendWindows } from "../budgets/spend/spend-rows.ts";
import { openAdminClient } from "./admin-client.ts";
import { defineCommand } from "./command.ts";
import { gatewayOptions } from "./find-gateway.ts";

export const spendCommand = defineCommand({
  usage: `[--by ${spendKeys.join("|")}] [--window ${spendWindows.join("|")}] [--limit N] [--json]`,
  options: {
    ...gatewayOptions,
    by: { type: "string", value: "WHAT", default: "tenant", description: spendKeys.join(", ") },
    window: { type: "string", value: "WINDOW", default: "day", description: "this day or this month, in UTC" },
    limit: { type: "string", value: "N", default: "20", description: "how many, the dearest first; at most 1000" },
    json: { type: "boolean", description: "the report as the admin API gives it" },
  },
  async run({ options, out }) {
    const { by, window, limit, json } = options;
    const query = new URLSearchParams({ by, window, limit });
    const report = (await openAdminClient(options).call("GET", `/api/spend?${query}`)) as SpendReport;
    for (const line of json ? [JSON.stringify(report)] : describeSpend(report)) out(line);
    return 0;
  },
});

const heading = ["cost", "by the end", "calls", "tokens in", "out", "unpriced"];

/** A table, its numbers to the right and the names behind them: the dearest first, all together last. */
export function describeSpend({
  by,
  window,
  startsMs,
  endsMs,
  lines,
  complete,
  total,
}: SpendReport): readonly string[] {
  /* Nothing is saved without a cache. */
  const saves = total.savedNanos !== undefined;
  const headings = saves ? [...heading, "saved"] : heading;
  const cells = (line: SpendReport["total"]) =>
    saves
      ? [...numbersOf(line), line.savedNanos === undefined ? "-" : formatDollars(line.savedNanos)]
      : numbersOf(line);
  const rows = [
    [...headings, by],
    ...lines.map((line) => [...cells(line), line.name === "" ? "-" : line.name]),
    [...cells(total), "in all"],
  ];
  const widths = headings.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  return [
    `${window} from ${new Date(startsMs).toISOString()} to ${new Date(endsMs).toISOString()}`,
    ...(complete ? [] : ["there are more names than this report looked at: a dear one may be missing"]),
    ...rows.map((row) => row.map((cell, at) => cell.padStart(widths[at] ?? 0)).join("  ")),
  ];
}

const numbersOf = (line: SpendReport["total"]): readonly string[] => [
  formatDollars(line.costNanos),
  formatDollars(Math.round(line.forecastNanos / 1_000) * 1_000),
  `${line.calls}`,
  `${line.inputTokens}`,
  `${line.outputTokens}`,
  line.unpriced === 0 ? "-" : `${line.unpriced}`,
];
