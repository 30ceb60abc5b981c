import type { Journal } from "../observability/journal.ts";
import type { JournalRecord } from "../observability/journal-record.ts";
import type { RuleTrial, TrialCase } from "./api/policies.ts";
import { newestRecords } from "./find-operation.ts";

/** What a rule that is not in force would have done to one recorded operation; undefined: it does not judge such operations. */
export type Trial = (record: JournalRecord) =>
  | {
      /** Whether its expression is true; undefined: nobody can tell. */
      readonly matches: boolean | undefined;
      readonly would: "allow" | "deny" | "nothing" | "unknown";
      /** What it asks for and no record has. */
      readonly missing?: string;
    }
  | undefined;

const MOST_CASES = 200;

/** What a rule would have made of the newest calls on record. */
export async function tryRule(trial: Trial, journal: Pick<Journal, "query">, most: number): Promise<RuleTrial> {
  const { records } = await newestRecords(journal, most);
  const cases: TrialCase[] = [];
  const counts = { looked: 0, matches: 0, newlyAllowed: 0, newlyDenied: 0, unchanged: 0, undecidable: 0 };
  for (const record of records) {
    const verdict = trial(record);
    if (verdict === undefined) continue;
    const { matches, would, missing } = verdict;
    counts.looked += 1;
    if (matches === true) counts.matches += 1;
    if (would === "nothing") {
      counts.unchanged += 1;
      continue;
    }
    counts[would === "unknown" ? "undecidable" : would === "allow" ? "newlyAllowed" : "newlyDenied"] += 1;
    if (cases.length === MOST_CASES) continue;
    const { operationId, chainId, timeMs, principal, protocol, method, target, outcome } = record;
    cases.push({
      operationId,
      chainId,
      timeMs,
      principal: principal.id,
      protocol,
      method,
      target: target.name,
      outcome,
      would,
      ...(missing !== undefined && { missing }),
    });
  }
  return { ...counts, cases, coversSinceMs: records.at(-1)?.timeMs ?? null };
}
