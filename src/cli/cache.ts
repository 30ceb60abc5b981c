import { formatDollars } from "../budgets/money.ts";
import type { CacheReport } from "../inference/cache/cache.ts";
import { openAdminClient } from "./admin-client.ts";
import { defineCommand, UsageError } from "./command.ts";
import { gatewayOptions } from "./find-gateway.ts";

export const cacheCommand = defineCommand({
  usage: "show [--json] | flush [--tenant T] [--model M] [--policy HASH]",
  args: [1, 1],
  options: {
    ...gatewayOptions,
    tenant: { type: "string", value: "TENANT", description: "flush: only what this tenant's callers were given" },
    model: {
      type: "string",
      value: "MODEL",
      description: "flush: only answers of this model, by the name callers use",
    },
    policy: {
      type: "string",
      value: "HASH",
      description:
        "flush: only what was kept under these rules; the first 8 letters of the journal's policyHash are enough",
    },
    json: { type: "boolean", description: "show: the report as the admin API gives it" },
  },
  async run({ options, args: [action], out }) {
    const { tenant, model, policy, json } = options;
    switch (action) {
      case "show": {
        const report = (await openAdminClient(options).call("GET", "/api/cache")) as CacheReport;
        for (const line of json ? [JSON.stringify(report)] : describeCache(report)) out(line);
        return 0;
      }
      case "flush": {
        const request = {
          ...(tenant !== undefined && { tenant }),
          ...(model !== undefined && { model }),
          ...(policy !== undefined && { policyHash: policy }),
        };
        const answer = await openAdminClient(options).call("POST", "/api/cache/flush", request);
        out(`${(answer as { readonly flushed: number }).flushed} answers are gone`);
        return 0;
      }
      default:
        throw new UsageError(`cache does show and flush, not "${action}"`);
    }
  },
});

const heading = ["answers", "KiB", "hits", "misses", "tokens saved", "saved"];

/** A table, its numbers to the right and the names behind them: the largest first. */
export function describeCache({ isShared, entries, bytes, limitBytes, ttlMs, lines }: CacheReport): readonly string[] {
  const rows = [
    [...heading, "tenant", "model"],
    ...lines.map((line) => [
      `${line.entries}`,
      kibibytes(line.bytes),
      `${line.hits}`,
      `${line.misses}`,
      `${line.tokens}`,
      formatDollars(line.costNanos),
      line.tenant === "" ? "-" : line.tenant,
      line.model,
    ]),
  ];
  const widths = heading.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  return [
    `${entries} answers in ${kibibytes(bytes)} of ${kibibytes(limitBytes)} KiB, each for ${ttlMs / 1_000} s${isShared ? "; of this replica alone" : ""}`,
    ...rows.map((row) => row.map((cell, at) => cell.padStart(widths[at] ?? 0)).join("  ")),
  ];
}

const kibibytes = (bytes: number): string => String(Math.ceil(bytes / 1_024));
